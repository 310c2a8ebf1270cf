/**
 * Allocation buffer: a mutator's run of free memory (TLAB), for embedders whose generated code allocates objects itself.
 *
 *     const { control, top, limit } = mutator.allocationBuffer;      // once
 *     let ref = control[top];
 *     if (ref + WORDS <= control[limit]) {
 *       u32[ref * 2 + 1] = COUNT;                                    // first the element count (0 without elements),
 *       u32[ref * 2] = shape.id;                                     // then the shape,
 *       control[top] = ref + WORDS;                                  // then the top, then anything else
 *     } else ref = mutator.allocate(shape, COUNT);                   // a safepoint
 *
 * The memory is zeroed. Header before top: code that is interrupted in between, by a time limit or a full stack, has taken nothing. There
 * must be no safepoint in between, and every word that is taken must belong to an object with a header. `WORDS` is `shape.words(COUNT)`.
 * Objects above 512 KiB do not fit, so they come to `allocate`.
 */
export interface AllocationBuffer {
  /** The mutator's control block; nothing else in it is for programs. */
  readonly control: Uint32Array;
  /** Index into `control` of the first free word, which will be the next {@link Ref}. */
  readonly top: number;
  /** Index into `control` of the end of the run. Both change at every safepoint. */
  readonly limit: number;
}
