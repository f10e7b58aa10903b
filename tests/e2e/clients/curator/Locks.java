import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.recipes.barriers.DistributedBarrier;
import org.apache.curator.framework.recipes.barriers.DistributedDoubleBarrier;
import org.apache.curator.framework.recipes.leader.LeaderLatch;
import org.apache.curator.framework.recipes.leader.LeaderSelector;
import org.apache.curator.framework.recipes.leader.LeaderSelectorListenerAdapter;
import org.apache.curator.framework.recipes.locks.InterProcessMutex;
import org.apache.curator.framework.recipes.locks.InterProcessReadWriteLock;
import org.apache.curator.framework.recipes.locks.InterProcessSemaphoreV2;
import org.apache.curator.framework.recipes.locks.Lease;

/** Who may go on, and who must wait: locks, leaders, barriers. */
final class Locks {
    static void addTo(Map<String, Tour.Scenario> scenarios) {
        scenarios.put("mutex", Locks::mutex);
        scenarios.put("mutex-contention", Locks::mutexContention);
        scenarios.put("read-write-lock", Locks::readWriteLock);
        scenarios.put("semaphore", Locks::semaphore);
        scenarios.put("leader-latch", Locks::leaderLatch);
        scenarios.put("leader-selector", Locks::leaderSelector);
        scenarios.put("barrier", Locks::barrier);
        scenarios.put("double-barrier", Locks::doubleBarrier);
    }

    private static String mutex(Session session) throws Exception {
        CuratorFramework client = session.connect();
        InterProcessMutex mine = new InterProcessMutex(client, session.path("lock"));
        InterProcessMutex other = new InterProcessMutex(session.connect(), session.path("lock"));
        mine.acquire();
        mine.acquire();
        boolean refused = !other.acquire(200, TimeUnit.MILLISECONDS);
        mine.release();
        boolean stillMine = mine.isAcquiredInThisProcess() && !other.acquire(50, TimeUnit.MILLISECONDS);
        int participants = mine.getParticipantNodes().size();
        mine.release();
        boolean passedOn = other.acquire(10, TimeUnit.SECONDS);
        other.release();
        return "refused=" + refused + " reentrant=" + stillMine + " participants=" + participants
                + " passed-on=" + passedOn + " left=" + client.getChildren().forPath(session.path("lock")).size();
    }

    private static String mutexContention(Session session) throws Exception {
        AtomicInteger inside = new AtomicInteger();
        AtomicInteger insideMax = new AtomicInteger();
        AtomicInteger turns = new AtomicInteger();
        ExecutorService workers = Executors.newFixedThreadPool(5);
        List<Future<?>> running = new ArrayList<>();
        for (int i = 0; i < 5; ++i) {
            InterProcessMutex lock = new InterProcessMutex(session.connect(), session.path("lock"));
            running.add(workers.submit(() -> {
                for (int turn = 0; turn < 10; ++turn) {
                    lock.acquire();
                    insideMax.accumulateAndGet(inside.incrementAndGet(), Math::max);
                    turns.incrementAndGet();
                    inside.decrementAndGet();
                    lock.release();
                }
                return null;
            }));
        }
        for (Future<?> worker : running) worker.get(30, TimeUnit.SECONDS);
        workers.shutdown();
        return "turns=" + turns + " at-once=" + insideMax;
    }

    private static String readWriteLock(Session session) throws Exception {
        InterProcessReadWriteLock first = new InterProcessReadWriteLock(session.connect(), session.path("lock"));
        InterProcessReadWriteLock second = new InterProcessReadWriteLock(session.connect(), session.path("lock"));
        first.readLock().acquire();
        boolean shared = second.readLock().acquire(10, TimeUnit.SECONDS);
        second.readLock().release();
        boolean writerWaits = !second.writeLock().acquire(200, TimeUnit.MILLISECONDS);
        first.readLock().release();
        boolean writes = second.writeLock().acquire(10, TimeUnit.SECONDS);
        boolean readerWaits = !first.readLock().acquire(200, TimeUnit.MILLISECONDS);
        second.writeLock().release();
        return "shared=" + shared + " writer-waits=" + writerWaits + " writes=" + writes
                + " reader-waits=" + readerWaits;
    }

    private static String semaphore(Session session) throws Exception {
        InterProcessSemaphoreV2 first = new InterProcessSemaphoreV2(session.connect(), session.path("leases"), 2);
        InterProcessSemaphoreV2 second = new InterProcessSemaphoreV2(session.connect(), session.path("leases"), 2);
        Lease lease = first.acquire();
        second.acquire();
        boolean full = second.acquire(200, TimeUnit.MILLISECONDS) == null;
        first.returnLease(lease);
        boolean free = second.acquire(10, TimeUnit.SECONDS) != null;
        return "full=" + full + " free=" + free + " holders=" + first.getParticipantNodes().size();
    }

    private static String leaderLatch(Session session) throws Exception {
        List<LeaderLatch> latches = new ArrayList<>();
        for (int i = 0; i < 3; ++i) {
            LeaderLatch latch = new LeaderLatch(session.connect(), session.path("latch"), "latch-" + i);
            latches.add(latch);
            latch.start();
            int started = i + 1;
            Session.await("participant", () -> latch.getParticipants().size() == started);
        }
        StringBuilder order = new StringBuilder();
        while (!latches.isEmpty()) {
            LeaderLatch leader = latches.remove(0);
            if (!leader.await(10, TimeUnit.SECONDS)) return "no leader after " + order;
            long others = latches.stream().filter(LeaderLatch::hasLeadership).count();
            order.append(leader.getLeader().getId()).append(others == 0 ? " " : "! ");
            leader.close();
        }
        return order.toString().trim();
    }

    private static String leaderSelector(Session session) throws Exception {
        AtomicInteger leading = new AtomicInteger();
        AtomicInteger leadingMax = new AtomicInteger();
        AtomicInteger terms = new AtomicInteger();
        LeaderSelectorListenerAdapter term = new LeaderSelectorListenerAdapter() {
            @Override
            public void takeLeadership(CuratorFramework client) throws Exception {
                leadingMax.accumulateAndGet(leading.incrementAndGet(), Math::max);
                Thread.sleep(10);
                leading.decrementAndGet();
                terms.incrementAndGet();
            }
        };
        List<LeaderSelector> selectors = new ArrayList<>();
        for (int i = 0; i < 3; ++i) {
            LeaderSelector selector = new LeaderSelector(session.connect(), session.path("selector"), term);
            selector.autoRequeue();
            selectors.add(selector);
            selector.start();
        }
        Session.await("nine terms", () -> terms.get() >= 9);
        selectors.forEach(LeaderSelector::close);
        return "at-once=" + leadingMax;
    }

    private static String barrier(Session session) throws Exception {
        DistributedBarrier mine = new DistributedBarrier(session.connect(), session.path("barrier"));
        DistributedBarrier other = new DistributedBarrier(session.connect(), session.path("barrier"));
        mine.setBarrier();
        boolean held = !other.waitOnBarrier(200, TimeUnit.MILLISECONDS);
        mine.removeBarrier();
        return "held=" + held + " lifted=" + other.waitOnBarrier(10, TimeUnit.SECONDS);
    }

    private static String doubleBarrier(Session session) throws Exception {
        int members = 4;
        AtomicInteger entered = new AtomicInteger();
        AtomicInteger tooEarly = new AtomicInteger();
        ExecutorService workers = Executors.newFixedThreadPool(members);
        List<Future<Boolean>> running = new ArrayList<>();
        AtomicInteger arrived = new AtomicInteger();
        for (int i = 0; i < members; ++i) {
            DistributedDoubleBarrier barrier =
                    new DistributedDoubleBarrier(session.connect(), session.path("barrier"), members);
            running.add(workers.submit(() -> {
                arrived.incrementAndGet();
                if (!barrier.enter(20, TimeUnit.SECONDS)) return false;
                if (arrived.get() < members) tooEarly.incrementAndGet();
                entered.incrementAndGet();
                boolean left = barrier.leave(20, TimeUnit.SECONDS);
                if (entered.get() < members) tooEarly.incrementAndGet();
                return left;
            }));
        }
        int left = 0;
        for (Future<Boolean> worker : running) left += worker.get(30, TimeUnit.SECONDS) ? 1 : 0;
        workers.shutdown();
        return "entered=" + entered + " left=" + left + " too-early=" + tooEarly;
    }

    private Locks() {}
}
