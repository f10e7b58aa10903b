import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.api.transaction.CuratorTransactionResult;
import org.apache.curator.framework.recipes.atomic.DistributedAtomicLong;
import org.apache.curator.framework.recipes.nodes.GroupMember;
import org.apache.curator.framework.recipes.nodes.PersistentTtlNode;
import org.apache.curator.framework.recipes.queue.SimpleDistributedQueue;
import org.apache.curator.framework.recipes.shared.SharedCount;
import org.apache.curator.retry.RetryNTimes;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.data.Stat;

/** Kinds of nodes, transactions, and the recipes that count and queue. */
final class Nodes {
    static void addTo(Map<String, Tour.Scenario> scenarios) {
        scenarios.put("basics", Nodes::basics);
        scenarios.put("protected-create", Nodes::protectedCreate);
        scenarios.put("container", Nodes::container);
        scenarios.put("ttl", Nodes::ttl);
        scenarios.put("persistent-ttl-node", Nodes::persistentTtlNode);
        scenarios.put("transaction", Nodes::transaction);
        scenarios.put("atomic-long", Nodes::atomicLong);
        scenarios.put("shared-count", Nodes::sharedCount);
        scenarios.put("queue", Nodes::queue);
        scenarios.put("group", Nodes::group);
    }

    private static String basics(Session session) throws Exception {
        CuratorFramework client = session.connect();
        Stat stat = new Stat();
        client.create().creatingParentsIfNeeded().forPath(session.path("a/b"), "hello".getBytes());
        String data = new String(client.getData().storingStatIn(stat).forPath(session.path("a/b")));
        int version = client.setData().withVersion(stat.getVersion()).forPath(session.path("a/b")).getVersion();
        CountDownLatch answered = new CountDownLatch(1);
        client.getChildren().inBackground((c, event) -> answered.countDown()).forPath(session.path("a"));
        boolean background = answered.await(10, TimeUnit.SECONDS);
        client.delete().guaranteed().deletingChildrenIfNeeded().forPath(session.path("a"));
        client.sync().forPath(session.path("a"));
        return data + " version=" + version + " background=" + background
                + " exists=" + Session.exists(client, session.path("a"));
    }

    private static String protectedCreate(Session session) throws Exception {
        CuratorFramework client = session.connect();
        String path = client.create().creatingParentsIfNeeded().withProtection()
                .withMode(CreateMode.EPHEMERAL_SEQUENTIAL).forPath(session.path("n-"));
        String name = path.substring(path.lastIndexOf('/') + 1);
        return name.replaceAll("_c_[0-9a-f-]{36}-", "<guid>");
    }

    private static String container(Session session) throws Exception {
        CuratorFramework client = session.connect();
        String child = session.path("container/child");
        client.create().creatingParentContainersIfNeeded().forPath(child);
        boolean thereWithChild = Session.exists(client, session.path("container"));
        CountDownLatch noticed = new CountDownLatch(1);
        client.checkExists().usingWatcher((org.apache.zookeeper.Watcher) event -> noticed.countDown())
                .forPath(session.path("container"));
        client.delete().forPath(child);
        Session.await("reaping", () -> !Session.exists(client, session.path("container")));
        return "with-child=" + thereWithChild + " reaped watch=" + noticed.await(10, TimeUnit.SECONDS);
    }

    private static String ttl(Session session) throws Exception {
        CuratorFramework client = session.connect();
        client.create().withTtl(600_000).creatingParentsIfNeeded().withMode(CreateMode.PERSISTENT_WITH_TTL)
                .forPath(session.path("long"));
        String name = client.create().withTtl(400).withMode(CreateMode.PERSISTENT_SEQUENTIAL_WITH_TTL)
                .forPath(session.path("short-"));
        client.create().withTtl(400).withMode(CreateMode.PERSISTENT_WITH_TTL).forPath(session.path("parent"));
        client.create().forPath(session.path("parent/child"));
        Session.await("reaping", () -> !Session.exists(client, name));
        boolean childKeeps = Session.exists(client, session.path("parent"));
        client.delete().forPath(session.path("parent/child"));
        Session.await("reaping", () -> !Session.exists(client, session.path("parent")));
        return name.substring(name.lastIndexOf('/') + 1) + " reaped child-keeps=" + childKeeps
                + " long=" + Session.exists(client, session.path("long"));
    }

    private static String persistentTtlNode(Session session) throws Exception {
        CuratorFramework client = session.connect();
        PersistentTtlNode node = new PersistentTtlNode(session.connect(), session.path("node"), 1000, new byte[3]);
        node.start();
        boolean created = node.waitForInitialCreate(10, TimeUnit.SECONDS);
        String touched = session.path("node/touch");
        Session.await("touch", () -> Session.exists(client, touched));
        Session.await("touched again and again", () -> client.checkExists().forPath(touched).getVersion() > 1);
        node.close();
        Session.await("reaping", () -> !Session.exists(client, session.path("node")));
        return "created=" + created + " touched reaped";
    }

    private static String transaction(Session session) throws Exception {
        CuratorFramework client = session.connect();
        client.create().creatingParentsIfNeeded().forPath(session.path("kept"), new byte[1]);
        List<CuratorTransactionResult> results = client.transaction().forOperations(
                client.transactionOp().check().withVersion(0).forPath(session.path("kept")),
                client.transactionOp().create().withMode(CreateMode.PERSISTENT_SEQUENTIAL).forPath(session.path("s-")),
                client.transactionOp().setData().withVersion(0).forPath(session.path("kept"), new byte[2]));
        StringBuilder seen = new StringBuilder();
        for (CuratorTransactionResult result : results) seen.append(result.getType()).append(' ');
        String created = results.get(1).getResultPath();
        seen.append(created.substring(created.lastIndexOf('/') + 1));
        seen.append(" version=").append(results.get(2).getResultStat().getVersion());
        try {
            client.transaction().forOperations(
                    client.transactionOp().delete().forPath(session.path("kept")),
                    client.transactionOp().check().withVersion(9).forPath(created));
        } catch (KeeperException.BadVersionException refused) {
            seen.append(" refused kept=").append(Session.exists(client, session.path("kept")));
        }
        return seen.toString();
    }

    private static String atomicLong(Session session) throws Exception {
        ExecutorService workers = Executors.newFixedThreadPool(4);
        List<Future<?>> running = new ArrayList<>();
        for (int i = 0; i < 4; ++i) {
            DistributedAtomicLong number =
                    new DistributedAtomicLong(session.connect(), session.path("number"), new RetryNTimes(1000, 1));
            running.add(workers.submit(() -> {
                for (int n = 0; n < 25; ++n) {
                    if (!number.increment().succeeded()) throw new IllegalStateException("lost");
                }
                return null;
            }));
        }
        for (Future<?> worker : running) worker.get(30, TimeUnit.SECONDS);
        workers.shutdown();
        return "sum=" + new DistributedAtomicLong(session.connect(), session.path("number"), new RetryNTimes(1, 1))
                .get().postValue();
    }

    private static String sharedCount(Session session) throws Exception {
        SharedCount mine = new SharedCount(session.connect(), session.path("count"), 7);
        SharedCount other = new SharedCount(session.connect(), session.path("count"), 7);
        mine.start();
        other.start();
        mine.setCount(8);
        Session.await("the new count", () -> other.getCount() == 8);
        boolean stale = mine.trySetCount(other.getVersionedValue(), 9);
        Session.await("the next count", () -> other.getCount() == 9);
        mine.close();
        other.close();
        return "followed try-set=" + stale;
    }

    private static String queue(Session session) throws Exception {
        SimpleDistributedQueue queue = new SimpleDistributedQueue(session.connect(), session.path("queue"));
        SimpleDistributedQueue consumer = new SimpleDistributedQueue(session.connect(), session.path("queue"));
        for (String value : List.of("a", "b", "c")) queue.offer(value.getBytes());
        StringBuilder taken = new StringBuilder();
        for (int i = 0; i < 3; ++i) taken.append(new String(consumer.take()));
        return taken + " then " + consumer.poll(100, TimeUnit.MILLISECONDS);
    }

    private static String group(Session session) throws Exception {
        CuratorFramework leaving = session.connect();
        GroupMember stays = new GroupMember(session.connect(), session.path("group"), "stays", "1".getBytes());
        GroupMember leaves = new GroupMember(leaving, session.path("group"), "leaves", "2".getBytes());
        stays.start();
        leaves.start();
        Session.await("both", () -> stays.getCurrentMembers().size() == 2);
        leaving.close();
        Session.await("one", () -> stays.getCurrentMembers().size() == 1);
        stays.close();
        return "joined left";
    }

    private Nodes() {}
}
