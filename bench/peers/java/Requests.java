/**
 * Start and end of every request, as pairs of doubles in nanoseconds since the measured part began, in a file that is mapped: the
 * records lie outside the heap that is measured. The file has its full size beforehand, all zeros, and is touched once before the clock
 * starts. Each mutator has `operations` records of its own.
 */
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteOrder;
import java.nio.DoubleBuffer;
import java.nio.channels.FileChannel;

final class Requests {
  private final DoubleBuffer records;

  private Requests(DoubleBuffer records) {
    this.records = records;
  }

  /** The file that the parameter `requests` names, or null where there is none. */
  static Requests open(Parameters parameters) throws IOException {
    if (!parameters.has("requests")) return null;
    try (RandomAccessFile file = new RandomAccessFile(parameters.text("requests"), "rw")) {
      DoubleBuffer records = file.getChannel().map(FileChannel.MapMode.READ_WRITE, 0, file.length())
          .order(ByteOrder.LITTLE_ENDIAN).asDoubleBuffer();
      for (int i = 0; i < records.limit(); i++) records.put(i, 0);
      return new Requests(records);
    }
  }

  void note(int index, double startNs, double endNs) {
    records.put(2 * index, startNs);
    records.put(2 * index + 1, endNs);
  }
}
