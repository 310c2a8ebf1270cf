/**
 * Refusal: what a call returns if the kernel refused the system call that it needed.
 */

/** A system call that the kernel refused. */
export interface Refusal {
  errno: number;
  syscall: string;
}

export function isRefusal(answer: unknown): answer is Refusal {
  return typeof answer === 'object' && answer !== null && 'errno' in answer;
}
