/** The sizes of objects, in words with their headers: a distribution with given percentiles and mean. */
final class SizeDistribution {
  /** Header, one word of references, the stamp. */
  private static final int LEAST_WORDS = 3;
  private static final int MOST_REFERENCES = 8;

  private final int words10;
  private final int words50;
  private final int words90;
  private final int mostWords;

  SizeDistribution(Parameters parameters) {
    words10 = Math.max(LEAST_WORDS, parameters.integer("objectBytesP10") >>> 3);
    words50 = Math.max(words10, parameters.integer("objectBytesP50") >>> 3);
    words90 = Math.max(words50, parameters.integer("objectBytesP90") >>> 3);
    // Nine tenths of the objects lie between the percentiles; the mean says how large the largest tenth has to be.
    double rest = 0.1 * words10 + 0.2 * (words10 + words50) + 0.2 * (words50 + words90);
    double tail = (parameters.number("objectBytesMean") / 8 - rest) * 10;
    mostWords = Math.max(words90, (int) Math.floor(2 * tail) - words90);
  }

  int pick(Random random) {
    double share = random.fraction();
    if (share < 0.1) return words10;
    if (share < 0.5) return between(random, words10, words50);
    if (share < 0.9) return between(random, words50, words90);
    return between(random, words90, mostWords);
  }

  /** Reference fields of an object of that size: at least one, and room for the stamp is left. */
  static int referencesOf(int words, double density) {
    int references = Math.max(1, Math.min(MOST_REFERENCES, (int) Math.floor(density * words + 0.5)));
    while (1 + ((references + 1) >>> 1) + 1 > words) references--;
    return references;
  }

  private static int between(Random random, int least, int most) {
    return least + random.below(most - least + 1);
  }
}
