import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.recipes.cache.CuratorCache;
import org.apache.curator.framework.recipes.leader.LeaderLatch;
import org.apache.curator.framework.recipes.nodes.PersistentNode;
import org.apache.curator.framework.state.ConnectionState;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.data.Stat;

/** What outlives a server, and what outlives a session. */
final class Restarts {
    static void addTo(Map<String, Tour.Scenario> scenarios) {
        scenarios.put("session-expiry", Restarts::sessionExpiry);
        scenarios.put("server-restart", Restarts::serverRestart);
    }

    private static String sessionExpiry(Session session) throws Exception {
        CuratorFramework observer = session.connect();
        CuratorFramework client = session.connect();
        PersistentNode node = ephemeral(client, session.path("node"));
        long before = Session.idOf(client);
        session.endOnServer(client);
        Session.await("a new session that owns the node", () -> {
            Stat stat = observer.checkExists().forPath(session.path("node"));
            long now = Session.idOf(client);
            return now != before && stat != null && stat.getEphemeralOwner() == now;
        });
        node.close();
        Session.await("deletion", () -> !Session.exists(observer, session.path("node")));
        return "recreated";
    }

    private static String serverRestart(Session session) throws Exception {
        CuratorFramework client = session.connect();
        PersistentNode node = ephemeral(client, session.path("node"));
        LeaderLatch latch = new LeaderLatch(client, session.path("latch"));
        latch.start();
        latch.await(10, TimeUnit.SECONDS);
        CuratorCache cache = CuratorCache.build(client, session.path("cached"));
        cache.start();
        long sessionBefore = Session.idOf(client);
        long czxid = client.checkExists().forPath(session.path("node")).getCzxid();
        CountDownLatch reconnected = new CountDownLatch(1);
        client.getConnectionStateListenable().addListener((c, state) -> {
            if (state == ConnectionState.RECONNECTED) reconnected.countDown();
        });

        Tour.awaitRestart();
        if (!reconnected.await(20, TimeUnit.SECONDS)) return "never reconnected";
        boolean sameSession = Session.idOf(client) == sessionBefore;
        boolean sameNode = client.checkExists().forPath(session.path("node")).getCzxid() == czxid;
        Session.await("leadership", latch::hasLeadership);
        client.create().creatingParentsIfNeeded().forPath(session.path("cached/new"));
        Session.await("cache", () -> cache.get(session.path("cached/new")).isPresent());
        cache.close();
        latch.close();
        node.close();
        return "same-session=" + sameSession + " same-node=" + sameNode + " leads cached";
    }

    private static PersistentNode ephemeral(CuratorFramework client, String path) throws Exception {
        PersistentNode node = new PersistentNode(client, CreateMode.EPHEMERAL, false, path, new byte[1]);
        node.start();
        if (!node.waitForInitialCreate(10, TimeUnit.SECONDS)) throw new IllegalStateException("not created: " + path);
        return node;
    }

    private Restarts() {}
}
