/** What a thread can wait for. */
export const WAITS: Readonly<Record<string, (place: object) => void | Promise<void>>>;
