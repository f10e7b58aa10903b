import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Runs every scenario against the server at args[0] and prints one line for each: its name, a colon, and what it saw,
 * for the caller to compare. Before the scenarios that outlive a server it prints "restart" and waits for a line.
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
        scenarios.forEach((name, scenario) -> System.out.println(name + ": " + outcome(args[0], name, scenario)));
        System.exit(0);
    }

    private static String outcome(String address, String name, Scenario scenario) {
        try (Session session = new Session(address, "/curator/" + name)) {
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
