/**
 * The peer program in Java: one workload, one process. What it is told and what it says is described in bench/peers/program.ts.
 *
 * Mutators are threads of their own, named mutator-N, so that the operating system's count of their CPU time is theirs alone. They live
 * until the result is written, because the CPU time of a thread that has ended can no longer be read.
 */
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.util.concurrent.CyclicBarrier;

public final class Program {
  private static final BufferedReader IN = new BufferedReader(new InputStreamReader(System.in));

  /** What the mutators share. Written before they pass a barrier. */
  static final class Measurement {
    Requests requests;
    long beganNs;
  }

  public static void main(String[] words) throws Exception {
    Parameters parameters = Parameters.parse(words);
    Measurement measurement = new Measurement();
    measurement.requests = Requests.open(parameters);
    Mutator[] mutators = new Mutator[parameters.integer("mutators")];
    CyclicBarrier barrier = new CyclicBarrier(mutators.length + 1);
    for (int i = 0; i < mutators.length; i++) {
      mutators[i] = new Mutator(measurement, parameters, i, barrier);
      mutators[i].start();
    }
    barrier.await();
    say("begin");
    measurement.beganNs = System.nanoTime();
    barrier.await();
    barrier.await();
    long wallNs = System.nanoTime() - measurement.beganNs;
    say("end");
    barrier.await();
    System.out.println(result(mutators, measurement.beganNs, wallNs));
  }

  /** Prints a line that bounds the measured part; the answer comes when the observer has read its clocks. */
  private static void say(String word) throws IOException {
    System.out.println(word);
    System.out.flush();
    IN.readLine();
  }

  private static String result(Mutator[] mutators, long beganNs, long wallNs) {
    long checks = 0;
    long mismatches = 0;
    long liveBytes = 0;
    StringBuilder checksums = new StringBuilder();
    for (Mutator mutator : mutators) {
      checks += mutator.work.checks;
      mismatches += mutator.work.mismatches;
      liveBytes += mutator.work.liveBytes();
      checksums.append(checksums.length() == 0 ? "" : ",").append(Integer.toUnsignedString(mutator.work.checksum));
    }
    return "{\"beganNs\":" + beganNs + ",\"wallNs\":" + wallNs + ",\"checks\":" + checks + ",\"mismatches\":" + mismatches
        + ",\"checksums\":[" + checksums + "],\"liveBytes\":" + liveBytes
        + ",\"runtime\":\"" + System.getProperty("java.vm.name") + " " + System.getProperty("java.vm.version") + "\"}";
  }
}
