/* First steps with the Apache C client: what its users do with nodes, watches, ACLs, transactions and a lost server.
 *
 * usage: first_steps host:port
 *
 * Prints "ok <step>" after each step that went well; the first surprise ends the program with its place and exit
 * code 1. After printing "restart" it waits for a line on standard input: whoever runs it restarts the server.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zookeeper/zookeeper.h>

#define EXPECT(condition)                                                            \
    do {                                                                             \
        if (!(condition)) {                                                          \
            fprintf(stderr, "first_steps.c:%d: not so: %s\n", __LINE__, #condition); \
            exit(1);                                                                 \
        }                                                                            \
    } while (0)

#define EXPECT_CODE(call, expected)                                                                   \
    do {                                                                                              \
        const int code_ = (call);                                                                     \
        if (code_ != (expected)) {                                                                    \
            fprintf(stderr, "first_steps.c:%d: %s gave %s, not %s\n", __LINE__, #call, zerror(code_), \
                    zerror(expected));                                                                \
            exit(1);                                                                                  \
        }                                                                                             \
    } while (0)

enum { kPathMax = 256, kWaitSeconds = 20, kEventsMax = 64, kSessionTimeoutMs = 10000 };

/* Events of one watcher, in the order of their arrival. The client's thread puts them in, the main thread takes. */
struct Events {
    pthread_mutex_t mutex;
    pthread_cond_t arrived;
    int types[kEventsMax];
    char paths[kEventsMax][kPathMax];
    int put;
    int taken;
};

#define NO_EVENTS \
    { .mutex = PTHREAD_MUTEX_INITIALIZER, .arrived = PTHREAD_COND_INITIALIZER }

static struct Events session_events = NO_EVENTS; /* types are session states here */

static void put_event(struct Events* events, int type, const char* path) {
    pthread_mutex_lock(&events->mutex);
    EXPECT(events->put < kEventsMax);
    events->types[events->put] = type;
    snprintf(events->paths[events->put++], kPathMax, "%s", path ? path : "");
    pthread_cond_signal(&events->arrived);
    pthread_mutex_unlock(&events->mutex);
}

static void on_session(zhandle_t* zh, int type, int state, const char* path, void* context) {
    (void)zh, (void)context, (void)path;
    if (type == ZOO_SESSION_EVENT) put_event(&session_events, state, "");
}

static void on_node(zhandle_t* zh, int type, int state, const char* path, void* context) {
    (void)zh, (void)state;
    if (type != ZOO_SESSION_EVENT) put_event(context, type, path);
}

static void expect_event(struct Events* events, int type, const char* path) {
    struct timespec deadline;
    clock_gettime(CLOCK_REALTIME, &deadline);
    deadline.tv_sec += kWaitSeconds;
    pthread_mutex_lock(&events->mutex);
    while (events->taken == events->put) {
        EXPECT(pthread_cond_timedwait(&events->arrived, &events->mutex, &deadline) == 0);
    }
    if (events->types[events->taken] != type || strcmp(events->paths[events->taken], path) != 0) {
        fprintf(stderr, "event %d of '%s' came in place of %d of '%s'\n", events->types[events->taken],
                events->paths[events->taken], type, path);
        exit(1);
    }
    events->taken++;
    pthread_mutex_unlock(&events->mutex);
}

static zhandle_t* connect_to(const char* address, struct Events* connected) {
    zhandle_t* zh = zookeeper_init(address, on_session, kSessionTimeoutMs, NULL, NULL, 0);
    EXPECT(zh != NULL);
    expect_event(connected, ZOO_CONNECTED_STATE, "");
    EXPECT(zoo_state(zh) == ZOO_CONNECTED_STATE);
    return zh;
}

static void done(const char* step) {
    printf("ok %s\n", step);
    fflush(stdout);
}

static void create_all_kinds(zhandle_t* zh) {
    static const struct {
        const char* asked;
        int mode;
        int64_t ttl_ms;
        const char* given;
    } kinds[] = {
        {"/c/persistent", 0, -1, "/c/persistent"},         {"/c/ephemeral", 1, -1, "/c/ephemeral"},
        {"/c/sequence-", 2, -1, "/c/sequence-0000000002"}, {"/c/both-", 3, -1, "/c/both-0000000003"},
        {"/c/container", 4, -1, "/c/container"},           {"/c/ttl", 5, 60000, "/c/ttl"},
        {"/c/ttl-", 6, 60000, "/c/ttl-0000000006"},
    };
    char path[kPathMax];
    struct Stat stat;
    EXPECT_CODE(zoo_create(zh, "/c", "root", 4, &ZOO_OPEN_ACL_UNSAFE, ZOO_PERSISTENT, path, sizeof path), ZOK);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; ++i) {
        if (kinds[i].ttl_ms > 0) {
            EXPECT_CODE(zoo_create2_ttl(zh, kinds[i].asked, "x", 1, &ZOO_OPEN_ACL_UNSAFE, kinds[i].mode,
                                        kinds[i].ttl_ms, path, sizeof path, &stat),
                        ZOK);
        } else {
            EXPECT_CODE(
                zoo_create2(zh, kinds[i].asked, "x", 1, &ZOO_OPEN_ACL_UNSAFE, kinds[i].mode, path, sizeof path, &stat),
                ZOK);
        }
        EXPECT(strcmp(path, kinds[i].given) == 0);
        EXPECT(stat.dataLength == 1 && stat.version == 0 && stat.czxid == stat.mzxid);
        const int64_t owner = kinds[i].mode == 1 || kinds[i].mode == 3 ? zoo_client_id(zh)->client_id : 0;
        if (kinds[i].mode < 4) EXPECT(stat.ephemeralOwner == owner);
    }
    EXPECT_CODE(zoo_create(zh, "/c/ephemeral/x", "", 0, &ZOO_OPEN_ACL_UNSAFE, 0, NULL, 0), ZNOCHILDRENFOREPHEMERALS);
    EXPECT_CODE(zoo_create(zh, "/c/missing/x", "", 0, &ZOO_OPEN_ACL_UNSAFE, 0, NULL, 0), ZNONODE);
    EXPECT_CODE(zoo_create(zh, "/c/persistent", "", 0, &ZOO_OPEN_ACL_UNSAFE, 0, NULL, 0), ZNODEEXISTS);
    EXPECT_CODE(zoo_create_ttl(zh, "/c/never", "", 0, &ZOO_OPEN_ACL_UNSAFE, ZOO_PERSISTENT_WITH_TTL, 0, NULL, 0),
                ZBADARGUMENTS);
    done("create");
}

static void read_and_write(zhandle_t* zh) {
    char data[64];
    int size = sizeof data;
    struct Stat stat;
    EXPECT_CODE(zoo_get(zh, "/c/persistent", 0, data, &size, &stat), ZOK);
    EXPECT(size == 1 && data[0] == 'x' && stat.version == 0);
    EXPECT_CODE(zoo_set2(zh, "/c/persistent", "hello", 5, 0, &stat), ZOK);
    EXPECT(stat.version == 1 && stat.dataLength == 5 && stat.mzxid > stat.czxid);
    EXPECT_CODE(zoo_set(zh, "/c/persistent", "late", 4, 0), ZBADVERSION);
    EXPECT_CODE(zoo_set(zh, "/c/persistent", NULL, -1, 1), ZOK);
    size = sizeof data;
    EXPECT_CODE(zoo_get(zh, "/c/persistent", 0, data, &size, &stat), ZOK);
    EXPECT(size == -1 && stat.dataLength == 0);
    EXPECT_CODE(zoo_exists(zh, "/c/persistent", 0, &stat), ZOK);
    EXPECT(stat.version == 2);
    EXPECT_CODE(zoo_exists(zh, "/c/missing", 0, &stat), ZNONODE);
    EXPECT_CODE(zoo_delete(zh, "/c", -1), ZNOTEMPTY);
    EXPECT_CODE(zoo_delete(zh, "/c/persistent", 1), ZBADVERSION);
    EXPECT_CODE(zoo_delete(zh, "/c/persistent", 2), ZOK);
    EXPECT_CODE(zoo_delete(zh, "/c/persistent", -1), ZNONODE);
    done("get-set-exists-delete");
}

static void list_children(zhandle_t* zh) {
    struct String_vector names;
    struct Stat stat;
    EXPECT_CODE(zoo_get_children2(zh, "/c", 0, &names, &stat), ZOK);
    EXPECT(names.count == 6 && stat.numChildren == 6 && stat.cversion == 8);
    deallocate_String_vector(&names);
    EXPECT_CODE(zoo_get_children(zh, "/c/ttl", 0, &names), ZOK);
    EXPECT(names.count == 0);
    deallocate_String_vector(&names);
    EXPECT_CODE(zoo_get_children(zh, "/c/missing", 0, &names), ZNONODE);
    done("children");
}

static void watch(zhandle_t* zh) {
    static struct Events events = NO_EVENTS;
    struct String_vector names;
    struct Stat stat;
    char data[8];
    int size = sizeof data;
    EXPECT_CODE(zoo_create(zh, "/w", "", 0, &ZOO_OPEN_ACL_UNSAFE, 0, NULL, 0), ZOK);
    EXPECT_CODE(zoo_wexists(zh, "/w/node", on_node, &events, &stat), ZNONODE);
    EXPECT_CODE(zoo_wget_children(zh, "/w", on_node, &events, &names), ZOK);
    deallocate_String_vector(&names);
    EXPECT_CODE(zoo_create(zh, "/w/node", "1", 1, &ZOO_OPEN_ACL_UNSAFE, 0, NULL, 0), ZOK);
    expect_event(&events, ZOO_CREATED_EVENT, "/w/node");
    expect_event(&events, ZOO_CHILD_EVENT, "/w");
    EXPECT_CODE(zoo_wget(zh, "/w/node", on_node, &events, data, &size, &stat), ZOK);
    EXPECT_CODE(zoo_set(zh, "/w/node", "2", 1, -1), ZOK);
    expect_event(&events, ZOO_CHANGED_EVENT, "/w/node");
    EXPECT_CODE(zoo_set(zh, "/w/node", "3", 1, -1), ZOK);
    EXPECT_CODE(zoo_wexists(zh, "/w/node", on_node, &events, &stat), ZOK);
    EXPECT_CODE(zoo_delete(zh, "/w/node", -1), ZOK);
    expect_event(&events, ZOO_DELETED_EVENT, "/w/node");

    EXPECT_CODE(zoo_wexists(zh, "/w/node", on_node, &events, &stat), ZNONODE);
    EXPECT_CODE(zoo_remove_watches(zh, "/w/node", ZWATCHTYPE_DATA, on_node, &events, 0), ZOK);
    EXPECT_CODE(zoo_remove_watches(zh, "/w/node", ZWATCHTYPE_DATA, on_node, &events, 0), ZNOWATCHER);
    EXPECT_CODE(zoo_create(zh, "/w/node", "", 0, &ZOO_OPEN_ACL_UNSAFE, 0, NULL, 0), ZOK);
    EXPECT_CODE(zoo_delete(zh, "/w/node", -1), ZOK);
    EXPECT(events.put == events.taken);
    done("watches");
}

static void run_transactions(zhandle_t* zh) {
    zoo_op_t ops[4];
    zoo_op_result_t results[4];
    char path[kPathMax];
    struct Stat stat;
    zoo_create_op_init(&ops[0], "/m", "1", 1, &ZOO_OPEN_ACL_UNSAFE, 0, NULL, 0);
    zoo_create_op_init(&ops[1], "/m/s-", "2", 1, &ZOO_OPEN_ACL_UNSAFE, ZOO_SEQUENCE, path, sizeof path);
    zoo_set_op_init(&ops[2], "/m", "3", 1, 0, &stat);
    zoo_check_op_init(&ops[3], "/m", 1);
    EXPECT_CODE(zoo_multi(zh, 4, ops, results), ZOK);
    EXPECT(strcmp(path, "/m/s-0000000000") == 0 && stat.version == 1 && stat.czxid == stat.mzxid);
    for (int i = 0; i < 4; ++i) EXPECT(results[i].err == ZOK);

    zoo_delete_op_init(&ops[0], "/m/s-0000000000", -1);
    zoo_check_op_init(&ops[1], "/m", 7);
    zoo_delete_op_init(&ops[2], "/m", -1);
    EXPECT_CODE(zoo_multi(zh, 3, ops, results), ZBADVERSION);
    EXPECT(results[0].err == ZOK && results[1].err == ZBADVERSION && results[2].err == ZRUNTIMEINCONSISTENCY);
    EXPECT_CODE(zoo_exists(zh, "/m/s-0000000000", 0, &stat), ZOK);
    done("multi");
}

static void on_auth(int code, const void* context) { put_event((struct Events*)context, code, ""); }

static void guard_with_acls(zhandle_t* zh, const char* address) {
    static struct Events authenticated = NO_EVENTS;
    struct ACL_vector acl;
    struct Stat stat;
    char data[8];
    int size = sizeof data;
    EXPECT_CODE(zoo_create(zh, "/a", "", 0, &ZOO_CREATOR_ALL_ACL, 0, NULL, 0), ZINVALIDACL);
    EXPECT_CODE(zoo_add_auth(zh, "digest", "user:password", 13, on_auth, &authenticated), ZOK);
    expect_event(&authenticated, ZOK, "");
    EXPECT_CODE(zoo_create(zh, "/a", "x", 1, &ZOO_CREATOR_ALL_ACL, 0, NULL, 0), ZOK);
    EXPECT_CODE(zoo_get_acl(zh, "/a", &acl, &stat), ZOK);
    EXPECT(acl.count == 1 && acl.data[0].perms == ZOO_PERM_ALL && strcmp(acl.data[0].id.scheme, "digest") == 0);
    EXPECT(strcmp(acl.data[0].id.id, "user:tpUq/4Pn5A64fVZyQ0gOJ8ZWqkY=") == 0);
    deallocate_ACL_vector(&acl);

    zhandle_t* stranger = connect_to(address, &session_events);
    EXPECT_CODE(zoo_get(stranger, "/a", 0, data, &size, &stat), ZNOAUTH);
    EXPECT_CODE(zoo_set(stranger, "/a", "y", 1, -1), ZNOAUTH);
    EXPECT_CODE(zoo_set_acl(zh, "/a", 0, &ZOO_READ_ACL_UNSAFE), ZOK);
    EXPECT_CODE(zoo_get(stranger, "/a", 0, data, &size, &stat), ZOK);
    EXPECT(stat.aversion == 1);
    EXPECT_CODE(zookeeper_close(stranger), ZOK);
    done("acl");
}

static void on_data(int code, const char* data, int size, const struct Stat* stat, const void* context) {
    (void)data, (void)size;
    EXPECT(code == ZOK);
    put_event((struct Events*)context, stat->version, "");
}

static void on_stat(int code, const struct Stat* stat, const void* context) {
    (void)stat, (void)context;
    EXPECT(code == ZOK);
}

static void send_without_waiting(zhandle_t* zh) {
    static struct Events versions = NO_EVENTS;
    EXPECT_CODE(zoo_create(zh, "/async", "", 0, &ZOO_OPEN_ACL_UNSAFE, 0, NULL, 0), ZOK);
    for (int i = 0; i < kEventsMax; ++i) {
        EXPECT_CODE(zoo_aset(zh, "/async", "x", 1, i, on_stat, NULL), ZOK);
        EXPECT_CODE(zoo_aget(zh, "/async", 0, on_data, &versions), ZOK);
    }
    for (int i = 1; i <= kEventsMax; ++i) expect_event(&versions, i, "");
    done("async");
}

static void ask_for_the_configuration(zhandle_t* zh) {
    char text[1024];
    int size = sizeof text;
    struct Stat stat;
    EXPECT_CODE(zoo_getconfig(zh, 0, text, &size, &stat), ZOK);
    EXPECT_CODE(zoo_reconfig(zh, "server.9=127.0.0.1:1:2;3", NULL, NULL, -1, text, &size, &stat), ZRECONFIGDISABLED);
    done("config");
}

static void survive_a_restart(zhandle_t* zh) {
    static struct Events events = NO_EVENTS;
    const int64_t session = zoo_client_id(zh)->client_id;
    struct Stat stat;
    EXPECT_CODE(zoo_create(zh, "/r", "", 0, &ZOO_OPEN_ACL_UNSAFE, ZOO_EPHEMERAL, NULL, 0), ZOK);
    EXPECT_CODE(zoo_wexists(zh, "/r", on_node, &events, &stat), ZOK);
    puts("restart");
    fflush(stdout);
    EXPECT(getchar() != EOF);
    expect_event(&session_events, ZOO_CONNECTING_STATE, "");
    expect_event(&session_events, ZOO_CONNECTED_STATE, "");
    EXPECT(zoo_client_id(zh)->client_id == session);
    EXPECT_CODE(zoo_exists(zh, "/r", 0, &stat), ZOK);
    EXPECT(stat.ephemeralOwner == session);
    EXPECT_CODE(zoo_set(zh, "/r", "x", 1, 0), ZOK);
    expect_event(&events, ZOO_CHANGED_EVENT, "/r");
    done("restart");
}

static void leave_no_ephemerals(zhandle_t* zh, const char* address) {
    struct Stat stat;
    EXPECT_CODE(zookeeper_close(zh), ZOK);
    zh = connect_to(address, &session_events);
    EXPECT_CODE(zoo_exists(zh, "/r", 0, &stat), ZNONODE);
    EXPECT_CODE(zoo_exists(zh, "/c/ephemeral", 0, &stat), ZNONODE);
    EXPECT_CODE(zoo_exists(zh, "/c/sequence-0000000002", 0, &stat), ZOK);
    EXPECT_CODE(zookeeper_close(zh), ZOK);
    done("close");
}

int main(int argc, char** argv) {
    EXPECT(argc == 2);
    zoo_set_debug_level(ZOO_LOG_LEVEL_ERROR);
    zhandle_t* zh = connect_to(argv[1], &session_events);
    done("connect");
    create_all_kinds(zh);
    read_and_write(zh);
    list_children(zh);
    watch(zh);
    run_transactions(zh);
    guard_with_acls(zh, argv[1]);
    send_without_waiting(zh);
    ask_for_the_configuration(zh);
    survive_a_restart(zh);
    leave_no_ephemerals(zh, argv[1]);
    return 0;
}
