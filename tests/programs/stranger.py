"""A chat client as a stranger writes it from the protocol's page of the first version: sockets, TLS and JSON.

usage: stranger.py PORT CA_FILE

It plays a chat of two people in every way in which programs put JSON into a socket, and says so at the end.
"""

import base64
import json
import socket
import ssl
import sys

PORT, CA_FILE = int(sys.argv[1]), sys.argv[2]
PASSWORD = "correct horse battery"


class Client:
    def __init__(self, write):
        context = ssl.create_default_context(cafile=CA_FILE)
        plain = socket.create_connection(("127.0.0.1", PORT), timeout=30)
        self.socket = context.wrap_socket(plain, server_hostname="localhost")
        self.write = write
        self.text = ""

    def send(self, *messages):
        self.write(self.socket, messages)

    def receive(self):
        """The next object, wherever it ends: the protocol doesn't say what stands between two."""
        while True:
            self.text = self.text.lstrip()
            try:
                message, end = json.JSONDecoder().raw_decode(self.text)
            except json.JSONDecodeError:
                data = self.socket.recv(4096)
                if not data:
                    raise EOFError("the server closed the connection")
                self.text += data.decode()
            else:
                self.text = self.text[end:]
                return message

    def ask(self, **message):
        self.send(message)
        reply = self.receive()
        assert reply["status"] == "ok", (message, reply)
        return reply

    def enter(self, action, name):
        self.ask(action=action, username=name, password=PASSWORD)

    def close(self):
        self.socket.unwrap().close()


def lines(connection, messages):
    for message in messages:
        connection.sendall(json.dumps(message).encode() + b"\n")


def nothing_between(connection, messages):
    for message in messages:
        connection.sendall(json.dumps(message).encode())


def pretty(connection, messages):
    for message in messages:
        connection.sendall(json.dumps(message, indent=4, ensure_ascii=False).encode() + b"\r\n\r\n")


def all_in_one_write(connection, messages):
    connection.sendall("".join(json.dumps(message) for message in messages).encode())


def a_byte_a_write(connection, messages):
    for message in messages:
        for byte in json.dumps(message, ensure_ascii=False).encode():
            connection.sendall(bytes([byte]))


def chat(write):
    name = write.__name__
    alice_name, bob_name = "alice-" + name, "bob-" + name
    alice, bob = Client(write), Client(write)
    for client, user in ((alice, alice_name), (bob, bob_name)):
        client.enter("register", user)
        client.enter("login", user)

    alice.ask(action="contacts", contact_action="add", contact_username=bob_name)
    assert alice.ask(action="contacts", contact_action="list")["contacts"] == [bob_name]

    text = "Grüße } ] \" \\ { \n 👋"
    alice.ask(action="message", receiver=bob_name, content=text)
    event = bob.receive()
    assert (event["event"], event["sender"], event["content"]) == ("message", alice_name, text), event

    data = bytes(range(256)) * 4
    bob.ask(action="file", receiver=alice_name, file_name="a.bin", file_data=base64.b64encode(data).decode())
    event = alice.receive()
    assert (event["event"], event["sender"], event["file_name"]) == ("file", bob_name, "a.bin"), event
    assert base64.b64decode(event["file_data"]) == data

    # Several requests before the first reply; the replies come in their order.
    bob.close()
    alice.send(*({"action": "message", "receiver": bob_name, "content": f"missed {n}"} for n in range(5)))
    for _ in range(5):
        assert alice.receive()["status"] == "ok"
    bob = Client(write)
    bob.enter("login", bob_name)
    missed = [bob.receive()["content"] for _ in range(5)]
    assert missed == [f"missed {n}" for n in range(5)], missed

    # What is wrong is answered, and the connection lives.
    alice.send({"action": "message", "receiver": "nobody-of-this-name", "content": "hi"})
    reply = alice.receive()
    assert (reply["status"], reply["error"]["code"]) == ("error", "not_found"), reply
    alice.ask(action="message", receiver=bob_name, content="the end")
    assert bob.receive()["content"] == "the end"
    alice.close()
    bob.close()
    print("ok", name, flush=True)


for way in (lines, nothing_between, pretty, all_in_one_write, a_byte_a_write):
    chat(way)
