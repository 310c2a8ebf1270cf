export const SUBJECT_ROOT: number;
export const LOCK_ROOT: number;
export const CONDITION_ROOT: number;
export const KEYS_ROOT: number;
export const BOX: { readonly name: 'box'; readonly fields: { readonly number: 'f64' } };
export function valueOf(thread: number, number: number): number;
export function threadOf(value: number): number;
