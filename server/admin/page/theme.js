// Runs before the first paint, hence no module: a page that is to be dark must not flash white.
(() => {
    const chosen = localStorage.getItem('zabd.theme');
    if (chosen === 'dark' || chosen === 'light') document.documentElement.dataset.theme = chosen;
})();
