import java.util.List;
import java.util.concurrent.TimeUnit;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.framework.recipes.leader.LeaderLatch;
import org.apache.curator.framework.recipes.locks.InterProcessMutex;
import org.apache.curator.framework.recipes.locks.InterProcessReadWriteLock;
import org.apache.curator.framework.recipes.locks.InterProcessSemaphoreV2;
import org.apache.curator.framework.recipes.locks.Lease;
import org.apache.curator.retry.RetryNTimes;
import org.apache.zookeeper.CreateMode;

/**
 * The same as tests/recipes/contender.cpp, with Curator: contends for BASE/recipe together with others, and counts each
 * turn who else is in BASE/inside. Arguments: SERVERS BASE KIND LIMIT TURNS.
 */
final class Contender {
    private static final int WAIT_SECONDS = 60;

    private final CuratorFramework client;
    private final String base;
    private final String kind;
    private final int limit;

    private interface Turn {
        boolean take() throws Exception;
    }

    private Contender(CuratorFramework client, String base, String kind, int limit) {
        this.client = client;
        this.base = base;
        this.kind = kind;
        this.limit = limit;
    }

    public static void main(String[] words) throws Exception {
        CuratorFramework client = CuratorFrameworkFactory.newClient(words[0], 10_000, 10_000, new RetryNTimes(50, 100));
        client.start();
        int turns = Integer.parseInt(words[4]);
        int crowded = new Contender(client, words[1], words[2], Integer.parseInt(words[3])).contend(turns);
        client.close();
        System.out.println("turns=" + turns + " crowded=" + crowded);
    }

    private int contend(int turns) throws Exception {
        Turn turn = turn();
        int crowded = 0;
        for (int i = 0; i < turns; ++i) {
            if (turn.take()) ++crowded;
        }
        return crowded;
    }

    private Turn turn() {
        String path = base + "/recipe";
        InterProcessReadWriteLock readWriteLock = new InterProcessReadWriteLock(client, path);
        switch (kind) {
            case "read": return () -> underLock(readWriteLock.readLock());
            case "write": return () -> underLock(readWriteLock.writeLock());
            case "semaphore": return () -> underLease(new InterProcessSemaphoreV2(client, path, limit));
            case "latch": return () -> leading(new LeaderLatch(client, path));
            default: return () -> underLock(new InterProcessMutex(client, path));
        }
    }

    private boolean underLock(InterProcessMutex lock) throws Exception {
        if (!lock.acquire(WAIT_SECONDS, TimeUnit.SECONDS)) throw new IllegalStateException("not acquired");
        try {
            return stayInside();
        } finally {
            lock.release();
        }
    }

    private boolean underLease(InterProcessSemaphoreV2 semaphore) throws Exception {
        Lease lease = semaphore.acquire();
        try {
            return stayInside();
        } finally {
            semaphore.returnLease(lease);
        }
    }

    private boolean leading(LeaderLatch latch) throws Exception {
        latch.start();
        try {
            if (!latch.await(WAIT_SECONDS, TimeUnit.SECONDS)) throw new IllegalStateException("never led");
            return stayInside();
        } finally {
            latch.close();
        }
    }

    private boolean stayInside() throws Exception {
        boolean reads = kind.equals("read");
        String own = client.create().withMode(CreateMode.EPHEMERAL_SEQUENTIAL)
                .forPath(base + "/inside/" + (reads ? "r-" : "w-"));
        List<String> names = client.getChildren().forPath(base + "/inside");
        client.delete().forPath(own);
        long writers = names.stream().filter(name -> name.contains("w-")).count();
        return reads ? writers > 0 : writers > limit || writers != names.size();
    }
}
