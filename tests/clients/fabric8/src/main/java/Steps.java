import io.fabric8.kubernetes.client.KubernetesClientException;
import java.util.Objects;
import java.util.concurrent.Callable;

/** Running steps and saying how they went. */
final class Steps {
  interface Work {
    void run() throws Exception;
  }

  static boolean failed = false;

  /** Runs a step and prints its line for the runner. */
  static void step(String name, Work work) {
    try {
      work.run();
      System.out.println(name + "\tok\t");
    } catch (Throwable error) {
      failed = true;
      System.out.println(name + "\tfailed\t" + error.toString().replaceAll("\\s+", " "));
    }
  }

  static void equal(String what, Object got, Object wanted) {
    if (!Objects.equals(got, wanted)) throw new AssertionError(what + ": got " + got + ", want " + wanted);
  }

  /** The status that a request is refused with; 0 when it is not refused. */
  static int refusal(Callable<?> request) throws Exception {
    try {
      request.call();
      return 0;
    } catch (KubernetesClientException error) {
      return error.getCode();
    }
  }

  static void eventually(String what, Callable<Boolean> check) throws Exception {
    Object last = "it did not hold";
    for (long end = System.nanoTime() + 60_000_000_000L; System.nanoTime() < end; Thread.sleep(200)) {
      try {
        if (check.call()) return;
      } catch (KubernetesClientException error) {
        last = error;
      }
    }
    throw new AssertionError(what + ": " + last);
  }
}
