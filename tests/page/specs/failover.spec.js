import { data, expect, keep, order, test } from '../stage.js';

let killed = null;

test.afterEach(async () => {
    if (killed) await order('start', { number: killed });
    killed = null;
});

test('a killed leader: a follower’s page shows it gone, the next one, and the election', async ({ at, stage }) => {
    const page = await at('ensemble');
    const card = (number) => page.getByRole('region', { name: `Server ${number}`, exact: true });
    await expect(card(stage.leader)).toContainText('leader');
    await expect(page.locator('.quorum')).toContainText('3 of 3');
    const elections = page.getByRole('table', { name: 'Elections' }).locator('tbody tr');
    const first = await elections.first().innerText();
    await keep(page, 'ensemble');

    ({ killed } = await order('kill_leader'));
    await expect(card(killed)).toContainText('unreachable');
    await expect.poll(async () => (await order('tell')).leader).not.toBe(null);
    const { leader } = await order('tell');
    expect(leader).not.toBe(killed);
    await expect(card(leader)).toContainText('leader');
    await expect(page.locator('.quorum')).toContainText(`server ${leader}`);
    await expect(elections.first()).not.toHaveText(first);
    await expect(elections.first().locator('td').nth(2)).toHaveText(String(leader));
    await keep(page, 'leader-killed');
});

test('a server that is gone: the page says so, tries again and catches up', async ({ at, stage }) => {
    const server = stage.followers[0];
    await order('set', { path: '/failover/node', data: 'before' });
    const page = await at('tree/failover/node', { server });
    await expect(data(page)).toContainText('before');
    await order('kill', { number: server });
    killed = server;
    await expect(page.getByText('Connection lost')).toBeVisible();
    await keep(page, 'connection-lost');
    await order('set', { path: '/failover/node', data: 'while it was away' });
    await order('start', { number: server });
    killed = null;
    await expect(page.getByText('Connection lost')).toBeHidden();
    await expect(data(page)).toContainText('while it was away');
});

test('a leader steps down from its page, and the page follows', async ({ at, stage }) => {
    const page = await at('ensemble', { server: stage.leader });
    await page.getByRole('button', { name: 'Step down' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Step down' }).click();
    const card = page.getByRole('region', { name: `Server ${stage.leader}`, exact: true });
    await expect(card).toContainText('follower');
    await expect(page.getByRole('button', { name: 'Step down' })).toBeHidden();
    expect((await order('tell')).leader).not.toBe(stage.leader);
});
