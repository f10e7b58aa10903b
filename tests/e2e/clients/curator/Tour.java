import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Runs the scenarios named behind args[1], or all if none is, against the server at args[0], below the node args[1].
 * Prints one line for each: its name, a colon, and what it saw, for the caller to compare. Before the scenarios that
 * outlive a server it prints "restart" and waits for a line.
 */
public final class Tour {
    /** What users of one recipe do, on nodes below session.path(...). */
    interface Scenario {
        String run(Session session) throws Exception;
    }

    public static void main(String[] args) {
        Map<String, Scenario> scenarios = new LinkedHashMap<>();
        Locks.addTo(scenarios);
        Caches.addTo(scenarios);
        Nodes.addTo(scenarios);
        Restarts.addTo(scenarios);
        List<String> wanted = Arrays.asList(args).subList(2, args.length);
        if (!wanted.isEmpty()) scenarios.keySet().retainAll(wanted);
        scenarios.forEach((name, scenario) ->
                System.out.println(name + ": " + outcome(args[0], args[1] + "/" + name, scenario)));
        System.exit(0);
    }

    private static String outcome(String address, String base, Scenario scenario) {
        try (Session session = new Session(address, base)) {
            return scenario.run(session);
        } catch (Throwable problem) {
            StackTraceElement[] trace = problem.getStackTrace();
            return "failed with " + problem + (trace.length > 0 ? " at " + trace[0] : "");
        }
    }

    /** Returns when the caller has restarted the server. */
    static void awaitRestart() throws Exception {
        System.out.println("restart");
        if (System.in.read() < 0) throw new IllegalStateException("nobody restarts the server");
    }

    private Tour() {}
}
