// What all stories agree on.

export const PASSWORD = "correct horse battery";
export const PHONE = { width: 390, height: 844 };
export const TABLET = { width: 820, height: 1180 };
export const DESKTOP = { width: 1440, height: 900 };

/** Longest wait for anything, in milliseconds. */
export const PATIENCE = 30_000;
