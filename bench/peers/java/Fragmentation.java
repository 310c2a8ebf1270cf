/**
 * After the test of Redis in "Mesh: compacting memory management for C/C++ applications" (PLDI 2019): a cache is filled with more values of
 * one size than it holds, then with values of another; what is evicted leaves holes everywhere. The logic is that of
 * bench/workloads/fragmentation.ts.
 */
final class Fragmentation extends Work {
  private static final int HEADER_BYTES = 8;
  private static final int EVICTION_SAMPLES = 5;
  private static final int LOOKS = 2;

  private final Random random;
  private final long limitBytes;
  private final int firstBytes;
  private final int secondBytes;
  private final int firstCount;
  private final int[] stamps;
  private final int[] used;
  private double[][] table;
  private int count;
  private long bytes;
  private int clock;

  Fragmentation(Parameters parameters, int seed) {
    random = new Random(seed);
    limitBytes = (long) parameters.number("limitBytes");
    firstBytes = parameters.integer("firstBytes") & ~7;
    secondBytes = (parameters.integer("secondBytes") + 7) & ~7;
    firstCount = parameters.integer("firstCount");
    int capacity = (int) (limitBytes / Math.min(firstBytes, secondBytes)) + 1;
    stamps = new int[capacity];
    used = new int[capacity];
  }

  @Override
  void build() {
    table = new double[stamps.length][];
  }

  @Override
  void step(int index) {
    clock++;
    int size = index < firstCount ? firstBytes : secondBytes;
    while (bytes + size > limitBytes) evict();
    int at = count++;
    stamps[at] = clock;
    used[at] = clock;
    bytes += size;
    double[] value = new double[(size - HEADER_BYTES) >>> 3];
    for (int i = 0; i < value.length; i++) value[i] = stampWord(clock, i);
    table[at] = value;
    for (int look = 0; look < LOOKS; look++) {
      int seen = random.below(count);
      used[seen] = clock;
      checkValue(seen);
    }
  }

  @Override
  void verify() {
    for (int i = 0; i < count; i++) {
      checkValue(i);
      add(stamps[i]);
    }
  }

  @Override
  void corrupt() {
    for (int i = 0; i < count; i += 2) table[i][0] = -1;
  }

  @Override
  long liveBytes() {
    return bytes;
  }

  private static double stampWord(int stamp, int at) {
    return Random.mixed(stamp + at) >>> 2;
  }

  private void evict() {
    int oldest = random.below(count);
    for (int sample = 1; sample < EVICTION_SAMPLES; sample++) {
      int other = random.below(count);
      if (Integer.compareUnsigned(used[other], used[oldest]) < 0) oldest = other;
    }
    bytes -= table[oldest].length * 8L + HEADER_BYTES;
    int last = --count;
    table[oldest] = table[last];
    table[last] = null;
    stamps[oldest] = stamps[last];
    used[oldest] = used[last];
  }

  private void checkValue(int index) {
    double[] value = table[index];
    int last = value.length - 1;
    check(value[0] == stampWord(stamps[index], 0));
    check(value[last] == stampWord(stamps[index], last));
  }
}
