// Doing something again and again while a view is open and the tab is looked at.

/// Calls `act(signal)` at once and then `interval_ms` after each call has ended. It has its own errors to show.
export function poll(interval_ms, act) {
    const abort = new AbortController();
    let timer = null;
    let busy = false;
    const turn = async () => {
        clearTimeout(timer);
        if (busy || abort.signal.aborted) return;
        busy = true;
        try {
            await act(abort.signal);
        } finally {
            busy = false;
            if (!abort.signal.aborted) timer = setTimeout(document.hidden ? idle : turn, interval_ms);
        }
    };
    const idle = () => {}; // until the tab is looked at again
    const seen = () => document.hidden || turn();
    document.addEventListener('visibilitychange', seen);
    turn();
    return {
        now: turn,
        stop() {
            abort.abort();
            clearTimeout(timer);
            document.removeEventListener('visibilitychange', seen);
        },
    };
}

/// A function that calls `act` soon, and at most once per `interval_ms`, however often it is called; a call that comes
/// while `act` runs is answered by one more run.
export function throttled(interval_ms, act) {
    let timer = null;
    let busy = false;
    let again = false;
    let last = 0;
    const run = async () => {
        timer = null;
        busy = true;
        last = Date.now();
        try {
            await act();
        } finally {
            busy = false;
            if (again) {
                again = false;
                call();
            }
        }
    };
    const call = () => {
        if (busy) again = true;
        else if (timer === null) timer = setTimeout(run, Math.max(30, last + interval_ms - Date.now()));
    };
    call.cancel = () => {
        clearTimeout(timer);
        timer = null;
        again = false;
    };
    return call;
}
