import { data, expect, keep, order, row, test } from '../stage.js';

test('a branch opens when asked to, page by page', async ({ at }) => {
    const page = await at('tree');
    await expect(row(page, '/app')).toBeVisible();
    await expect(row(page, '/app/workers')).toHaveCount(0);
    await row(page, '/app').locator('.twisty').click();
    await row(page, '/app/workers').locator('.twisty').click();
    await expect(row(page, '/app/workers')).toContainText('250');
    await expect(page.getByRole('treeitem', { name: /^worker-/ })).toHaveCount(100);
    await page.getByRole('tree').getByRole('button', { name: 'Show more: 100 of 250' }).click();
    await expect(page.getByRole('treeitem', { name: /^worker-/ })).toHaveCount(200);
});

test('a link to a node opens what is above it, even far down a long list', async ({ at }) => {
    const page = await at('tree/app/workers/worker-0240');
    await expect(row(page, '/app/workers/worker-0240')).toHaveAttribute('aria-selected', 'true');
    await expect(data(page)).toContainText('10.0.0.240:8080');
    await keep(page, 'node');
    await order('set', { path: '/app/workers/worker-0001', data: 'of another size' });
    await expect(row(page, '/app/workers/worker-0001')).toHaveClass(/flash/);
    await expect(row(page, '/app/workers/worker-0240')).toBeVisible();
    await page.getByRole('tree').getByRole('button', { name: 'Show more: 100 of 250' }).click();
    await expect(page.getByRole('treeitem', { name: /^worker-/ })).toHaveCount(201);
    await page.getByRole('tree').getByRole('button', { name: 'Show more: 200 of 250' }).click();
    await expect(page.getByRole('treeitem', { name: /^worker-/ })).toHaveCount(250);
});

test('JSON is laid out as it is stored, to the last digit', async ({ at }) => {
    const page = await at('tree/app/config');
    await expect(data(page).locator('.key').first()).toHaveText('"name"');
    await expect(data(page)).toContainText('99999999999999999999');
    await data(page).getByRole('button', { name: 'hex' }).click();
    await expect(data(page)).toContainText('7b 22 6e 61 6d 65');
    await data(page).getByRole('button', { name: 'base64' }).click();
    await expect(data(page)).toContainText('eyJuYW1lIjoi');
});

test('bytes that are no text are a hex dump', async ({ at }) => {
    const page = await at('tree/app');
    await expect(data(page)).toContainText('00000000  00 01 ff');
});

test('names and data that look like markup stay text', async ({ at }) => {
    const page = await at(`tree/app/${encodeURIComponent('<img src=x onerror=alert(1)>')}`);
    await expect(data(page)).toContainText("<script>document.title='broken into'</script>");
    expect(await page.locator('main img, main script').count()).toBe(0);
    await expect(page).not.toHaveTitle(/broken/);
});

test('search finds by name, its address brings the result back, and a path goes straight there', async ({ at }) => {
    const page = await at('tree');
    await page.keyboard.press('/');
    await page.keyboard.type('worker-00');
    await page.keyboard.press('Enter');
    await expect(page).toHaveURL(/#\/search\?q=worker-00$/);
    const found = page.getByRole('table', { name: 'Found' });
    await expect(found.locator('tbody tr')).toHaveCount(100);
    await expect(found.locator('mark').first()).toHaveText('worker-00');
    await keep(page, 'search');
    await page.reload();
    await expect(found.locator('tbody tr')).toHaveCount(100);
    await page.getByRole('combobox', { name: 'Match' }).selectOption('regex');
    await page.getByRole('searchbox', { name: 'What to look for' }).fill('^worker-024[0-4]$');
    await page.keyboard.press('Enter');
    await expect(found.locator('tbody tr')).toHaveCount(5);
    await page.getByRole('searchbox', { name: 'Search nodes' }).fill('/app/flags');
    await page.keyboard.press('Enter');
    await expect(data(page)).toContainText('rollout=25');
});

test('each view tells where its JSON is, and the address answers', async ({ at, stage }) => {
    const page = await at('tree/app/flags');
    const link = page.locator('footer.address a.json');
    await expect(link).toHaveText('/api/v1/tree/app/flags');
    const answer = await page.request.get(await link.evaluate((one) => one.href), {
        headers: { Authorization: `Bearer ${stage.reader}` },
    });
    expect((await answer.json()).path).toBe('/app/flags');
});

test('every view opens, and none reports an error', async ({ at, stage }) => {
    const page = await at('sessions');
    await expect(page.getByRole('table', { name: 'Sessions' }).locator('tbody tr').first()).toBeVisible();
    await keep(page, 'sessions');
    await page.getByRole('table', { name: 'Sessions' }).locator('tbody a').first().click();
    await expect(page.getByRole('region', { name: 'Connection' })).toContainText('timeout');
    const go = (view) =>
        page.evaluate((hash) => {
            location.hash = hash;
        }, `#/${view}`);
    await go('watches?by=session');
    await expect(page.getByRole('heading', { name: 'Watches' })).toBeVisible();
    await go('charts');
    await expect(page.getByRole('img', { name: 'Operations' })).toBeVisible();
    await keep(page, 'load');
    const headers = { Authorization: `Bearer ${stage.operator}`, 'X-Zabd-Request': '1' };
    const written = { data: { format: 'text', value: 'x' }, mode: 'persistent' };
    await page.request.post(`${new URL(page.url()).origin}/api/v1/tree/audited`, { headers, data: written });
    await go('audit?path=/audited');
    await expect(page.getByRole('table', { name: 'Audit records' }).locator('tbody tr')).toHaveCount(1);
    await keep(page, 'audit');
    await go('settings');
    await expect(page.getByRole('table', { name: 'Configuration' })).toContainText('tickTime');
    await expect(page.getByRole('region', { name: 'Storage' })).toContainText('checkpoint');
    await keep(page, 'settings');
    await expect(page.locator('main [role=alert]')).toHaveCount(0);
});
