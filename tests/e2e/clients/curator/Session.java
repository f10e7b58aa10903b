import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.retry.RetryNTimes;
import org.apache.zookeeper.ZooKeeper;

/** The clients of one scenario, closed with it, and the part of the tree that is its own. */
final class Session implements AutoCloseable {
    private static final int SESSION_MS = 10_000;
    private static final int WAIT_SECONDS = 20;

    private final String address;
    private final String base;
    private final List<CuratorFramework> clients = new ArrayList<>();

    interface Condition {
        boolean holds() throws Exception;
    }

    Session(String address, String base) {
        this.address = address;
        this.base = base;
    }

    String path(String name) {
        return base + "/" + name;
    }

    /** A new client with a session of its own. */
    CuratorFramework connect() throws Exception {
        CuratorFramework client =
                CuratorFrameworkFactory.newClient(address, SESSION_MS, SESSION_MS, new RetryNTimes(50, 100));
        clients.add(client);
        client.start();
        boolean connected = client.blockUntilConnected(WAIT_SECONDS, TimeUnit.SECONDS);
        if (!connected) throw new IllegalStateException("no connection");
        return client;
    }

    static long idOf(CuratorFramework client) throws Exception {
        return client.getZookeeperClient().getZooKeeper().getSessionId();
    }

    /** Ends the client's session as the server would at its expiry: a second connection to it closes it. */
    void endOnServer(CuratorFramework client) throws Exception {
        ZooKeeper original = client.getZookeeperClient().getZooKeeper();
        CountDownLatch connected = new CountDownLatch(1);
        ZooKeeper twin = new ZooKeeper(address, SESSION_MS, event -> connected.countDown(), original.getSessionId(),
                original.getSessionPasswd());
        if (!connected.await(WAIT_SECONDS, TimeUnit.SECONDS)) throw new IllegalStateException("no connection");
        twin.close();
    }

    static boolean exists(CuratorFramework client, String path) throws Exception {
        return client.checkExists().forPath(path) != null;
    }

    static void await(String what, Condition condition) throws Exception {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(WAIT_SECONDS);
        while (!condition.holds()) {
            if (System.nanoTime() > deadline) throw new IllegalStateException("not within time: " + what);
            Thread.sleep(10);
        }
    }

    @Override
    public void close() {
        clients.forEach(CuratorFramework::close);
    }
}
