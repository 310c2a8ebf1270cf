/**
 * Allocation buffer: a mutator's run of free memory (TLAB), for embedders whose generated code allocates by itself.
 *
 *     const { control, top, limit } = mutator.allocationBuffer;      // once
 *     let ref = control[top];
 *     if (ref + WORDS <= control[limit]) {
 *       control[top] = ref + WORDS;
 *       u32[ref * 2 + 1] = COUNT;                                    // first the element count (0 without elements),
 *       u32[ref * 2] = shape.id;                                     // then the shape, then anything else
 *     } else ref = mutator.allocate(shape, COUNT);                   // a safepoint
 *
 * The memory is zeroed. Between taking words and writing the header there must be no safepoint, and every word that is taken must belong
 * to an object with a header. `WORDS` is `shape.words(COUNT)`. Objects above 512 KiB do not fit, so they come to `allocate`.
 */
export interface AllocationBuffer {
  /** The mutator's control block; nothing else in it is for programs. */
  readonly control: Uint32Array;
  /** Index into `control` of the first free word, a {@link Ref} to be. */
  readonly top: number;
  /** Index into `control` of the end of the run. Both change at every safepoint. */
  readonly limit: number;
}
