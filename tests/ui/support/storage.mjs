// What a page has stored.

/** The names of its databases. */
export async function databases(page) {
  const all = await page.evaluate(() => indexedDB.databases());
  return all.map(({ name }) => name).sort();
}

/** All rows of all its databases, as one text. */
export function everything(page) {
  return page.evaluate(async () => {
    const asked = (request) =>
      new Promise((resolve, reject) => {
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
      });
    const found = [];
    for (const { name } of await indexedDB.databases()) {
      const database = await asked(indexedDB.open(name));
      for (const store of database.objectStoreNames) {
        const rows = await asked(database.transaction(store).objectStore(store).getAll());
        found.push([name, store, rows]);
      }
      database.close();
    }
    return JSON.stringify(found);
  });
}
