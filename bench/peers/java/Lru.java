/**
 * A cache with a limit in bytes, least recently used out first, whose entries also expire: a hash table with chains and a ring in the
 * order of use. Time to live is counted in requests. The logic is that of bench/workloads/lru.ts.
 */
final class Lru extends Work {
  private static final int ENTRY_BYTES = 48;
  private static final int NO_KEY = -1;

  private static final class Entry {
    Entry chain;
    Entry newer = this;
    Entry older = this;
    final double[] value;
    final int key;
    final int stamp;
    final int expires;

    Entry(double[] value, int key, int stamp, int expires) {
      this.value = value;
      this.key = key;
      this.stamp = stamp;
      this.expires = expires;
    }
  }

  private final Random random;
  private final int keys;
  private final long limitBytes;
  private final int leastWords;
  private final int moreWords;
  private final int ttl;
  private final int writePercent;
  private final int[] stamps;
  private final Entry ends = new Entry(new double[0], NO_KEY, 0, 0);
  private Entry[] table;
  private long bytes;
  private int clock;

  Lru(Parameters parameters, int seed) {
    random = new Random(seed);
    keys = parameters.integer("keys");
    limitBytes = (long) parameters.number("limitBytes");
    leastWords = parameters.integer("valueBytesLeast") >>> 3;
    moreWords = (parameters.integer("valueBytesMost") >>> 3) - leastWords + 1;
    ttl = parameters.integer("ttlRequests");
    writePercent = parameters.integer("writePercent");
    stamps = new int[keys];
  }

  @Override
  void build() {
    double meanBytes = (leastWords + moreWords / 2.0) * 8 + ENTRY_BYTES;
    int buckets = 1;
    while (buckets < limitBytes / meanBytes) buckets *= 2;
    table = new Entry[buckets];
  }

  @Override
  void step(int index) {
    clock++;
    int key = random.skewed(keys);
    boolean isWrite = random.below(100) < writePercent;
    int words = leastWords + random.below(moreWords);
    Entry entry = find(key);
    check((entry != null) == (stamps[key] != 0));
    if (entry != null) {
      checkEntry(entry, key);
      if (!isWrite && clock < entry.expires) {
        unlink(entry);
        link(entry);
        return;
      }
      remove(key);
    }
    insert(key, words);
  }

  @Override
  void verify() {
    long found = 0;
    for (Entry entry = ends.older; entry != ends; entry = entry.older) {
      checkEntry(entry, entry.key);
      found += entry.value.length * 8L + ENTRY_BYTES;
      add(entry.key);
      add(entry.stamp);
    }
    check(found == bytes);
  }

  @Override
  void corrupt() {
    ends.older.value[0] = -1;
  }

  @Override
  long liveBytes() {
    return bytes;
  }

  private static double valueWord(int key, int stamp, int index) {
    return Random.mixed(key * 0x9e3779b1 ^ (stamp + index)) >>> 2;
  }

  private void checkEntry(Entry entry, int key) {
    int stamp = stamps[key];
    double[] value = entry.value;
    int words = value.length;
    check(entry.stamp == stamp);
    check(value[0] == valueWord(key, stamp, 0));
    check(value[words >>> 1] == valueWord(key, stamp, words >>> 1));
    check(value[words - 1] == valueWord(key, stamp, words - 1));
  }

  private void insert(int key, int words) {
    int size = words * 8 + ENTRY_BYTES;
    while (bytes + size > limitBytes && ends.newer.key != NO_KEY) remove(ends.newer.key);
    double[] value = new double[words];
    for (int i = 0; i < words; i++) value[i] = valueWord(key, clock, i);
    Entry entry = new Entry(value, key, clock, clock + ttl);
    int bucket = bucket(key);
    entry.chain = table[bucket];
    table[bucket] = entry;
    link(entry);
    stamps[key] = clock;
    bytes += size;
  }

  private void remove(int key) {
    int bucket = bucket(key);
    Entry before = null;
    Entry entry = table[bucket];
    while (entry != null && entry.key != key) {
      before = entry;
      entry = entry.chain;
    }
    if (entry == null) {
      check(false);
      return;
    }
    if (before == null) table[bucket] = entry.chain;
    else before.chain = entry.chain;
    unlink(entry);
    bytes -= entry.value.length * 8L + ENTRY_BYTES;
    stamps[key] = 0;
  }

  private Entry find(int key) {
    Entry entry = table[bucket(key)];
    while (entry != null && entry.key != key) entry = entry.chain;
    return entry;
  }

  private int bucket(int key) {
    return Random.mixed(key) & (table.length - 1);
  }

  /** The ring runs from `ends` by `older` to the newest entry first, by `newer` to the oldest one. */
  private void link(Entry entry) {
    Entry newest = ends.older;
    entry.older = newest;
    entry.newer = ends;
    newest.newer = entry;
    ends.older = entry;
  }

  private static void unlink(Entry entry) {
    entry.newer.older = entry.older;
    entry.older.newer = entry.newer;
  }
}
