import { data, expect, keep, order, row, test } from '../stage.js';

test('what another client writes appears by itself, in the tree and at the node', async ({ at }) => {
    await order('set', { path: '/live/node', data: 'before' });
    const page = await at('tree/live/node');
    await expect(data(page)).toContainText('before');
    await order('set', { path: '/live/node', data: 'after' });
    await expect(data(page)).toContainText('after');
    await expect(page.getByRole('region', { name: 'Stat' }).locator('dd[data-of=version]')).toHaveClass(/flash/);
    await order('set', { path: '/live/second', data: 'new' });
    await expect(row(page, '/live/second')).toBeVisible();
    await keep(page, 'live');
    await order('delete', { path: '/live/second' });
    await expect(row(page, '/live/second')).toHaveCount(0);
    await order('delete', { path: '/live/node' });
    await expect(page.getByText('This node has just been deleted')).toBeVisible();
});

test('a lock shows who holds and who waits, and moves on as they leave', async ({ at }) => {
    for (const name of ['ann', 'ben', 'cem']) await order('contend', { path: '/locks/invoice', name });
    const page = await at('locks');
    const lock = page.getByRole('region', { name: '/locks/invoice' });
    await expect(lock.locator('.holder .name')).toHaveText(['ann']);
    await expect(lock.locator('.waiting .name')).toHaveText(['ben', 'cem']);
    await keep(page, 'locks');
    await order('leave', { name: 'ann' });
    await expect(lock.locator('.holder .name')).toHaveText(['ben']);
    await expect(lock.locator('.waiting .name')).toHaveText(['cem']);
    await lock.locator('.holder a.mono').click();
    await expect(page.getByRole('region', { name: 'Ephemeral nodes (1)' })).toContainText('/locks/invoice/');
});

test('a session is closed from its page, and who waits behind it takes over', async ({ at }) => {
    const { session } = await order('contend', { path: '/locks/closing', name: 'first' });
    await order('contend', { path: '/locks/closing', name: 'second' });
    const page = await at(`session/${session}`);
    await page.getByRole('button', { name: 'Close session' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Close session' }).click();
    await expect(page.getByText('There is no such session')).toBeVisible();
    await page.evaluate(() => {
        location.hash = '#/locks';
    });
    await expect(page.getByRole('region', { name: '/locks/closing' }).locator('.holder .name')).toHaveText(['second']);
});

test('the load charts read out what the pointer is at', async ({ at }) => {
    const page = await at('charts?seconds=300');
    const chart = page.getByRole('region', { name: 'Operations', exact: true });
    await expect(chart.locator('path.plot').first()).toHaveAttribute('d', /^M/);
    await chart.getByRole('img').hover();
    await expect(page.locator('.readout')).toHaveText(/^\d\d:\d\d:\d\d$/);
});
