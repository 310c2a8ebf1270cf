/** One mutator from its start to its end: build, warm up, work, verify. */
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.locks.LockSupport;

final class Mutator extends Thread {
  /** A sleep ends late by about this much; what is left is waited for awake. */
  private static final long SLEEP_SLACK_NS = 150_000;

  private final Program.Measurement measurement;
  private final Parameters parameters;
  private final int index;
  private final CyclicBarrier barrier;
  Work work;

  /** The barrier is passed four times: warm; the measured part begins; it has ended; the result is written. */
  Mutator(Program.Measurement measurement, Parameters parameters, int index, CyclicBarrier barrier) {
    super("mutator-" + index);
    this.measurement = measurement;
    this.parameters = parameters;
    this.index = index;
    this.barrier = barrier;
  }

  @Override
  public void run() {
    try {
      work = Work.make(parameters, Integer.parseUnsignedInt(parameters.text("seeds").split(",")[index]));
      int warmUp = parameters.integer("warmUp");
      work.build();
      for (int i = 0; i < warmUp; i++) work.step(i);
      barrier.await();
      barrier.await();
      measure(warmUp, parameters.integer("operations"));
      barrier.await();
      work.verify();
      barrier.await();
    } catch (Throwable thrown) {
      thrown.printStackTrace();
      Runtime.getRuntime().halt(1); // the other threads would wait for this one
    }
  }

  private void measure(int warmUp, int operations) {
    double perSecond = parameters.number("operationsPerSecond");
    double intervalNs = perSecond > 0 ? 1e9 / perSecond : 0;
    int corruptAt = parameters.integer("corruptAt");
    long beganNs = measurement.beganNs;
    long endedNs = beganNs;
    for (int i = 0; i < operations; i++) {
      long startNs = endedNs;
      if (intervalNs > 0) {
        startNs = beganNs + (long) (i * intervalNs);
        awaitTime(startNs);
      }
      work.step(warmUp + i);
      if (measurement.requests != null) {
        endedNs = System.nanoTime();
        measurement.requests.note(index * operations + i, startNs - beganNs, endedNs - beganNs);
      }
      if (i + 1 == corruptAt) work.corrupt();
    }
  }

  private static void awaitTime(long untilNs) {
    for (long now = System.nanoTime(); now < untilNs; now = System.nanoTime()) {
      if (untilNs - now > 2 * SLEEP_SLACK_NS) LockSupport.parkNanos(untilNs - now - SLEEP_SLACK_NS);
      else Thread.onSpinWait();
    }
  }
}
