import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.recipes.cache.CuratorCache;
import org.apache.curator.framework.recipes.cache.CuratorCacheListener;
import org.apache.curator.framework.recipes.cache.NodeCache;
import org.apache.curator.framework.recipes.cache.PathChildrenCache;
import org.apache.curator.framework.recipes.cache.TreeCache;
import org.apache.zookeeper.AddWatchMode;
import org.apache.zookeeper.CreateMode;

/** Local mirrors of a part of the tree, on persistent recursive watches and on one-shot ones. */
@SuppressWarnings("deprecation") // NodeCache, PathChildrenCache and TreeCache are old, and in use everywhere
final class Caches {
    static void addTo(Map<String, Tour.Scenario> scenarios) {
        scenarios.put("curator-cache", Caches::curatorCache);
        scenarios.put("curator-cache-load", Caches::curatorCacheUnderLoad);
        scenarios.put("persistent-watch", Caches::persistentWatch);
        scenarios.put("node-cache", Caches::nodeCache);
        scenarios.put("path-children-cache", Caches::pathChildrenCache);
        scenarios.put("tree-cache", Caches::treeCache);
    }

    /** What listeners were told, in order, for the scenario to take out. */
    private static final class Told {
        private final BlockingQueue<String> events = new LinkedBlockingQueue<>();

        void add(Object kind, String path) {
            events.add(kind + "(" + path.substring(path.lastIndexOf('/') + 1) + ")");
        }

        String next(int count) throws Exception {
            StringBuilder told = new StringBuilder();
            for (int i = 0; i < count; ++i) told.append(i == 0 ? "" : " ").append(events.poll(10, TimeUnit.SECONDS));
            return told.toString();
        }
    }

    private static String curatorCache(Session session) throws Exception {
        CuratorFramework writer = session.connect();
        Told told = new Told();
        writer.create().creatingParentsIfNeeded().forPath(session.path("top/old"), new byte[1]);
        CuratorCache cache = CuratorCache.build(session.connect(), session.path("top"));
        cache.listenable().addListener(CuratorCacheListener.builder()
                .forCreates(node -> told.add("created", node.getPath()))
                .forChanges((before, after) -> told.add("changed", after.getPath()))
                .forDeletes(node -> told.add("deleted", node.getPath()))
                .forInitialized(() -> told.add("initialized", ""))
                .build());
        cache.start();
        String seen = told.next(3);
        writer.create().creatingParentsIfNeeded().forPath(session.path("top/a/b"), new byte[2]);
        seen += " " + told.next(2);
        writer.setData().forPath(session.path("top/a/b"), new byte[3]);
        seen += " " + told.next(1);
        writer.delete().forPath(session.path("top/old"));
        seen += " " + told.next(1) + " size=" + cache.size();
        cache.close();
        return seen;
    }

    private static String curatorCacheUnderLoad(Session session) throws Exception {
        CuratorFramework writer = session.connect();
        writer.create().creatingParentsIfNeeded().forPath(session.path("top"));
        CuratorCache cache = CuratorCache.build(session.connect(), session.path("top"));
        cache.start();
        for (int i = 0; i < 200; ++i) writer.create().inBackground().forPath(session.path("top/n" + i), new byte[1]);
        for (int i = 0; i < 200; ++i) writer.setData().inBackground().forPath(session.path("top/n" + i), new byte[99]);
        for (int i = 0; i < 200; i += 2) writer.delete().inBackground().forPath(session.path("top/n" + i));
        Session.await("mirror", () -> cache.size() == 101
                && cache.stream().filter(node -> node.getData().length == 99).count() == 100);
        cache.close();
        return "size=101";
    }

    private static String persistentWatch(Session session) throws Exception {
        CuratorFramework client = session.connect();
        CuratorFramework writer = session.connect();
        Told told = new Told();
        writer.create().creatingParentsIfNeeded().forPath(session.path("top"));
        client.watchers().add().withMode(AddWatchMode.PERSISTENT)
                .usingWatcher((org.apache.zookeeper.Watcher) event -> told.add(event.getType(), event.getPath()))
                .forPath(session.path("top"));
        writer.setData().forPath(session.path("top"), new byte[1]);
        writer.setData().forPath(session.path("top"), new byte[2]);
        writer.create().forPath(session.path("top/child"));
        writer.delete().forPath(session.path("top/child"));
        String seen = told.next(4);
        client.watchers().removeAll().forPath(session.path("top"));
        return seen + " " + told.next(1);
    }

    private static String nodeCache(Session session) throws Exception {
        CuratorFramework writer = session.connect();
        Told told = new Told();
        NodeCache cache = new NodeCache(session.connect(), session.path("node"));
        cache.getListenable().addListener(() -> told.add(
                cache.getCurrentData() == null ? "none" : cache.getCurrentData().getData().length, ""));
        cache.start(true);
        writer.create().creatingParentsIfNeeded().forPath(session.path("node"), new byte[1]);
        String seen = told.next(1);
        writer.setData().forPath(session.path("node"), new byte[2]);
        seen += " " + told.next(1);
        writer.delete().forPath(session.path("node"));
        seen += " " + told.next(1);
        cache.close();
        return seen;
    }

    private static String pathChildrenCache(Session session) throws Exception {
        CuratorFramework writer = session.connect();
        Told told = new Told();
        writer.create().creatingParentsIfNeeded().forPath(session.path("top/old"));
        PathChildrenCache cache = new PathChildrenCache(session.connect(), session.path("top"), true);
        cache.getListenable().addListener((client, event) -> {
            if (event.getData() != null) told.add(event.getType(), event.getData().getPath());
        });
        cache.start();
        String seen = told.next(1);
        writer.create().withMode(CreateMode.EPHEMERAL).forPath(session.path("top/new"), new byte[1]);
        seen += " " + told.next(1);
        writer.setData().forPath(session.path("top/new"), new byte[2]);
        seen += " " + told.next(1);
        writer.close();
        seen += " " + told.next(1);
        cache.close();
        return seen;
    }

    private static String treeCache(Session session) throws Exception {
        CuratorFramework writer = session.connect();
        writer.create().creatingParentsIfNeeded().forPath(session.path("top/a/b"));
        TreeCache cache = new TreeCache(session.connect(), session.path("top"));
        cache.start();
        Session.await("mirror", () -> cache.getCurrentData(session.path("top/a/b")) != null);
        writer.setData().forPath(session.path("top/a/b"), new byte[5]);
        Session.await("change", () -> cache.getCurrentData(session.path("top/a/b")).getData().length == 5);
        writer.delete().deletingChildrenIfNeeded().forPath(session.path("top/a"));
        Session.await("deletion", () -> cache.getCurrentChildren(session.path("top")).isEmpty());
        cache.close();
        return "mirrored";
    }

    private Caches() {}
}
