/**
 * xoshiro128** of Blackman and Vigna, seeded by the 32-bit finalizer of MurmurHash3 over a Weyl sequence: the numbers of
 * bench/workloads/random.ts.
 */
final class Random {
  private int s0;
  private int s1;
  private int s2;
  private int s3;

  Random(int seed) {
    s0 = mixed(seed + 0x9e3779b9);
    s1 = mixed(seed + 2 * 0x9e3779b9);
    s2 = mixed(seed + 3 * 0x9e3779b9);
    s3 = mixed(seed + 4 * 0x9e3779b9);
  }

  /** Spreads the bits of a number over the result. */
  static int mixed(int value) {
    value ^= value >>> 16;
    value *= 0x85ebca6b;
    value ^= value >>> 13;
    value *= 0xc2b2ae35;
    return value ^ value >>> 16;
  }

  /** 32 bits. */
  int next() {
    int result = Integer.rotateLeft(s1 * 5, 7) * 9;
    int shifted = s1 << 9;
    s2 ^= s0;
    s3 ^= s1;
    s1 ^= s2;
    s0 ^= s3;
    s2 ^= shifted;
    s3 = Integer.rotateLeft(s3, 11);
    return result;
  }

  /** 0 up to, but not including, 1. */
  double fraction() {
    return Integer.toUnsignedLong(next()) * 0x1p-32;
  }

  /** 0 … limit - 1. */
  int below(int limit) {
    return (int) (fraction() * limit);
  }

  /** The same, where small numbers are more likely: the cube of a fraction. */
  int skewed(int limit) {
    double fraction = fraction();
    return (int) (fraction * fraction * fraction * limit);
  }
}
