/** Wrong arguments of the command: the same kind of error as the library's own, so that the command line tells it the same way. */

export function argumentError(option: string, accepted: string, value: unknown): RangeError {
  return Object.assign(new RangeError(`${option} must be ${accepted}, got ${JSON.stringify(value)}`), { code: 'ERR_OPTION' });
}
