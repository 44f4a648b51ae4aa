//! What only Android itself knows.
#![expect(
    unsafe_code,
    reason = "the activity is known by a pointer that the system gave to the program"
)]

use std::path::PathBuf;

use jni::objects::{JObject, JString, JValue};
use jni::{JNIEnv, JavaVM};

/// The folder that only this app can read (Android, `Context.getFilesDir`).
pub(super) fn own_folder() -> Option<PathBuf> {
    with_activity(|env, activity| {
        let folder = env.call_method(activity, "getFilesDir", "()Ljava/io/File;", &[])?;
        path(env, &folder.l()?)
    })
}

/// The folder of this app that others can read when they are let (Android, `Context.getExternalFilesDir`).
pub(super) fn shared_folder() -> Option<PathBuf> {
    with_activity(|env, activity| {
        let of_all_kinds = JObject::null();
        let arguments = [JValue::Object(&of_all_kinds)];
        let signature = "(Ljava/lang/String;)Ljava/io/File;";
        let folder = env.call_method(activity, "getExternalFilesDir", signature, &arguments)?;
        path(env, &folder.l()?)
    })
}

fn with_activity<T>(ask: impl FnOnce(&mut JNIEnv<'_>, &JObject<'_>) -> jni::errors::Result<T>) -> Option<T> {
    let context = ndk_context::android_context();
    // SAFETY: the window's library has put the virtual machine's pointer there before it called `main`, and it never goes away.
    let machine = unsafe { JavaVM::from_raw(context.vm().cast()) }.ok()?;
    let mut env = machine.attach_current_thread().ok()?;
    // SAFETY: the pointer is a global reference to the activity, which the same library holds as long as the program runs.
    let activity = unsafe { JObject::from_raw(context.context().cast()) };
    ask(&mut env, &activity).ok()
}

fn path(env: &mut JNIEnv<'_>, folder: &JObject<'_>) -> jni::errors::Result<PathBuf> {
    let path = env.call_method(folder, "getAbsolutePath", "()Ljava/lang/String;", &[])?;
    let path = JString::from(path.l()?);
    let path: String = env.get_string(&path)?.into();
    Ok(path.into())
}
