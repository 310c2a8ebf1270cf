/**
 * The peer program in Java: one workload, one process. What it is told and what it says is described in bench/peers/program.ts.
 *
 * Mutators are threads of their own, named mutator-N, so that the operating system's count of their CPU time is theirs alone. They live
 * until the result is written, because the CPU time of a thread that has ended can no longer be read.
 */
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;

public final class Program {
  private static final BufferedReader IN = new BufferedReader(new InputStreamReader(System.in));

  public static void main(String[] words) throws Exception {
    Parameters parameters = Parameters.parse(words);
    int mutators = parameters.integer("mutators");
    int warmups = parameters.integer("warmups");
    for (int i = 0; i < warmups; i++) round(parameters.warmup(), mutators, null, null);
    System.gc();
    Requests requests = Requests.open(parameters);
    Handshake handshake = new Handshake();
    Tally tally = round(parameters, mutators, requests, handshake);
    System.out.println("{\"beganNs\":" + handshake.beganNs + ",\"wallNs\":" + (handshake.endedNs - handshake.beganNs)
        + ",\"operations\":" + tally.operations + ",\"checks\":" + tally.checks + ",\"mismatches\":" + tally.mismatches
        + ",\"checksum\":" + Integer.toUnsignedString(tally.checksum) + ",\"liveBytes\":" + tally.liveBytes
        + ",\"requests\":" + (requests == null ? 0 : requests.count())
        + ",\"runtime\":\"" + System.getProperty("java.vm.name") + " " + System.getProperty("java.vm.version") + "\"}");
  }

  /** Runs the workload once on its threads; with a handshake the time between its two lines is the measured part. */
  private static Tally round(Parameters parameters, int mutators, Requests requests, Handshake handshake) throws Exception {
    Workload[] workloads = new Workload[mutators];
    Tally[] tallies = new Tally[mutators];
    CyclicBarrier begin = new CyclicBarrier(mutators + 1);
    CountDownLatch finished = new CountDownLatch(mutators);
    CountDownLatch leave = new CountDownLatch(1);
    Thread[] threads = new Thread[mutators];
    for (int i = 0; i < mutators; i++) {
      int index = i;
      threads[i] = new Thread(() -> {
        try {
          workloads[index] = Workload.make(parameters, index);
          tallies[index] = new Tally();
          begin.await();
          begin.await();
          workloads[index].run(tallies[index], requests, handshake == null ? System.nanoTime() : handshake.beganNs);
          finished.countDown();
          leave.await();
        } catch (Throwable thrown) {
          thrown.printStackTrace();
          Runtime.getRuntime().halt(1); // the other threads would wait for this one
        }
      }, "mutator-" + i);
      threads[i].start();
    }
    begin.await();
    if (handshake != null) handshake.begin();
    begin.await();
    finished.await();
    if (handshake != null) handshake.end();
    leave.countDown();
    for (Thread thread : threads) thread.join();
    Tally sum = new Tally();
    for (Tally tally : tallies) sum.add(tally);
    return sum;
  }

  /** The two lines that bound the measured part; the answer to each comes when the observer has read its clocks. */
  private static final class Handshake {
    private volatile long beganNs;
    private volatile long endedNs;

    void begin() throws IOException {
      say("begin");
      beganNs = System.nanoTime();
    }

    void end() throws IOException {
      endedNs = System.nanoTime();
      say("end");
    }

    private static void say(String word) throws IOException {
      System.out.println(word);
      System.out.flush();
      IN.readLine();
    }
  }
}
