/**
 * Histograms of latencies: HdrHistogram's, three significant digits, which other tools read (`.hgrm` is their plotter's input), and
 * which can be added up over the invocations of a row.
 */
import { build, decodeFromCompressedBase64, encodeIntoCompressedBase64, type Histogram } from 'hdr-histogram-js';

export type { Histogram };

const NS_IN_MS = 1e6;
const TICKS_PER_HALF_DISTANCE = 5;

/** Of times in ns, 0 or more; fractions are rounded. Cost: a fraction of a microsecond a value. */
export function histogramOf(valuesNs: Iterable<number>): Histogram {
  const histogram = build({ bitBucketSize: 64, numberOfSignificantValueDigits: 3 });
  for (const value of valuesNs) histogram.recordValue(Math.round(value));
  return histogram;
}

/** The common form of HdrHistogram (version 2, compressed, base 64). */
export function encodeHistogram(histogram: Histogram): string {
  return encodeIntoCompressedBase64(histogram);
}

/** The sum of encoded histograms. */
export function addUp(encoded: readonly string[]): Histogram {
  const sum = histogramOf([]);
  for (const text of encoded) sum.add(decodeFromCompressedBase64(text, 64));
  return sum;
}

/** The text of an `.hgrm` file; values in ms. */
export function hgrmText(histogram: Histogram): string {
  return histogram.outputPercentileDistribution(TICKS_PER_HALF_DISTANCE, NS_IN_MS);
}

/** Points of the curve over `1 ÷ (1 − share)`: 2 is the median, 100 is 99 %; up to the last value that was measured. */
export function percentileCurve(histogram: Histogram, points = 60): [inverse: number, valueNs: number][] {
  const count = histogram.totalCount;
  if (count === 0) return [];
  const decades = Math.log10(Math.max(10, count));
  return Array.from({ length: points }, (_, i) => {
    const inverse = 10 ** ((i * decades) / (points - 1));
    return [inverse, histogram.getValueAtPercentile(100 * (1 - 1 / inverse))];
  });
}
