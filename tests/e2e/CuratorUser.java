import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.framework.recipes.locks.InterProcessMutex;
import org.apache.curator.framework.state.ConnectionState;
import org.apache.curator.retry.RetryForever;
import org.apache.zookeeper.CreateMode;

/**
 * A Curator application that goes on while its ensemble changes: it holds an ephemeral, and under a mutex creates numbered
 * nodes, retrying as Curator does. At a line on standard input it ends and tells what became of it.
 */
public final class CuratorUser {
    public static void main(String[] args) throws Exception {
        CuratorFramework client =
                CuratorFrameworkFactory.newClient(args[0], 10_000, 15_000, new RetryForever(100));
        List<ConnectionState> states = new CopyOnWriteArrayList<>();
        client.getConnectionStateListenable().addListener((c, state) -> states.add(state));
        client.start();
        client.create().forPath("/curator");
        client.create().withMode(CreateMode.EPHEMERAL).forPath("/curator-is-here");
        long session = client.getZookeeperClient().getZooKeeper().getSessionId();
        InterProcessMutex mutex = new InterProcessMutex(client, "/curator-mutex");
        AtomicBoolean over = new AtomicBoolean();
        AtomicInteger acknowledged = new AtomicInteger();
        Thread writer = new Thread(() -> {
            while (!over.get()) {
                try {
                    mutex.acquire();
                    try {
                        client.create().withProtection().withMode(CreateMode.PERSISTENT_SEQUENTIAL)
                                .forPath("/curator/n-");
                        acknowledged.incrementAndGet();
                    } finally {
                        mutex.release();
                    }
                    Thread.sleep(10);
                } catch (Exception error) {
                    System.out.println("error " + error);
                }
            }
        });
        writer.start();
        System.out.println("started");
        new BufferedReader(new InputStreamReader(System.in)).readLine();
        over.set(true);
        writer.join();
        List<String> nodes = new ArrayList<>(client.getChildren().forPath("/curator"));
        long owner = client.checkExists().forPath("/curator-is-here").getEphemeralOwner();
        System.out.println("lost=" + states.contains(ConnectionState.LOST) + " same-session="
                + (owner == session && client.getZookeeperClient().getZooKeeper().getSessionId() == session)
                + " acknowledged=" + acknowledged + " kept=" + nodes.size());
        client.close();
    }

    private CuratorUser() {}
}
