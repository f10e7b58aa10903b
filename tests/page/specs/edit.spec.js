import { data, expect, keep, order, row, test } from '../stage.js';

const editor = (page, znode) => page.getByRole('textbox', { name: `Data of ${znode}` });
const press = (page, name) => page.getByRole('button', { name, exact: true }).click();

test('an edit is reviewed as a difference, then saved', async ({ at }) => {
    await order('set', { path: '/edit/plain', data: 'one\ntwo\nthree\n' });
    const page = await at('tree/edit/plain');
    await press(page, 'Edit');
    await editor(page, '/edit/plain').fill('one\n2\nthree\n');
    await press(page, 'Review');
    const change = page.getByRole('region', { name: 'Your change' });
    await expect(change.locator('tr.gone .line')).toHaveText(['two']);
    await expect(change.locator('tr.new .line')).toHaveText(['2']);
    await keep(page, 'review');
    await press(page, 'Save');
    await expect(data(page)).toContainText('one\n2\nthree');
    expect(await order('get', { path: '/edit/plain' })).toEqual({ data: 'one\n2\nthree\n', version: 2 });
});

test('line ends of another system survive an edit', async ({ at }) => {
    await order('set', { path: '/edit/crlf', data: 'one\r\ntwo\r\n' });
    const page = await at('tree/edit/crlf');
    await press(page, 'Edit');
    await editor(page, '/edit/crlf').fill('one\n2\n');
    await page.keyboard.press('Control+s');
    await page.keyboard.press('Control+s');
    await expect(page.getByText('Saved /edit/crlf')).toBeVisible();
    expect((await order('get', { path: '/edit/crlf' })).data).toBe('one\r\n2\r\n');
});

test('who saves after somebody else sees both and decides', async ({ at }) => {
    await order('set', { path: '/edit/contended', data: 'a=1\nb=1\n' });
    const page = await at('tree/edit/contended');
    await press(page, 'Edit');
    await editor(page, '/edit/contended').fill('a=1\nb=mine\n');
    await press(page, 'Review');
    const { version } = await order('set', { path: '/edit/contended', data: 'a=theirs\nb=1\n' });
    await press(page, 'Save');
    const conflict = page.getByRole('region', { name: 'Conflict' });
    await expect(conflict).toContainText(`The server has version ${version}`);
    await expect(conflict.getByLabel('Theirs', { exact: true })).toHaveText('a=theirs\nb=1\n');
    await expect(conflict.getByLabel('Yours', { exact: true })).toHaveText('a=1\nb=mine\n');
    await keep(page, 'conflict');
    expect((await order('get', { path: '/edit/contended' })).data).toBe('a=theirs\nb=1\n'); // nothing was overwritten

    await press(page, 'Edit mine on top of theirs');
    await editor(page, '/edit/contended').fill('a=theirs\nb=mine\n');
    await press(page, 'Review');
    await press(page, 'Save');
    await expect(page.getByText('Saved /edit/contended')).toBeVisible();
    expect(await order('get', { path: '/edit/contended' })).toEqual({
        data: 'a=theirs\nb=mine\n',
        version: version + 1,
    });
});

test('overwriting is possible, but only the version that was shown', async ({ at }) => {
    await order('set', { path: '/edit/over', data: 'first' });
    const page = await at('tree/edit/over');
    await press(page, 'Edit');
    await editor(page, '/edit/over').fill('mine');
    await press(page, 'Review');
    await order('set', { path: '/edit/over', data: 'second' });
    await press(page, 'Save');
    const overwrite = page.getByRole('button', { name: /^Overwrite version/ });
    await expect(overwrite).toBeVisible();
    await order('set', { path: '/edit/over', data: 'third' });
    await overwrite.click();
    await expect(page.getByLabel('Theirs', { exact: true })).toHaveText('third');
    await overwrite.click();
    await expect(page.getByText('Saved /edit/over')).toBeVisible();
    expect((await order('get', { path: '/edit/over' })).data).toBe('mine');
});

test('an open editor says that the node has changed meanwhile', async ({ at }) => {
    await order('set', { path: '/edit/notice', data: 'before' });
    const page = await at('tree/edit/notice');
    await press(page, 'Edit');
    await editor(page, '/edit/notice').fill('mine');
    await order('set', { path: '/edit/notice', data: 'theirs' });
    await expect(page.getByText('Somebody changed this node meanwhile')).toBeVisible();
    await expect(editor(page, '/edit/notice')).toHaveValue('mine');
});

test('leaving an edit asks first', async ({ at }) => {
    await order('set', { path: '/edit/leave', data: 'before' });
    const page = await at('tree/edit/leave');
    await press(page, 'Edit');
    await editor(page, '/edit/leave').fill('mine');
    page.once('dialog', (dialog) => dialog.dismiss());
    await page.getByRole('link', { name: 'Sessions' }).click();
    await expect(page).toHaveURL(/#\/tree\/edit\/leave$/);
    await expect(editor(page, '/edit/leave')).toHaveValue('mine');
    page.once('dialog', (dialog) => dialog.accept());
    await page.getByRole('link', { name: 'Sessions' }).click();
    await expect(page.getByRole('heading', { name: 'Sessions' })).toBeVisible();
    expect((await order('get', { path: '/edit/leave' })).data).toBe('before');
});

test('a node is created, and deleted with all below it once its name is written out', async ({ at }) => {
    await order('set', { path: '/edit/parent', data: '' });
    const page = await at('tree/edit/parent');
    await press(page, 'New child');
    await page.getByLabel('Name', { exact: true }).fill('child');
    await page.getByLabel('Data', { exact: true }).last().fill('hello');
    await press(page, 'Create');
    await expect(page).toHaveURL(/#\/tree\/edit\/parent\/child$/);
    await expect(data(page)).toContainText('hello');
    expect((await order('get', { path: '/edit/parent/child' })).data).toBe('hello');

    await page.keyboard.press('u');
    await expect(page).toHaveURL(/#\/tree\/edit\/parent$/);
    await expect(row(page, '/edit/parent')).toHaveAttribute('aria-selected', 'true');
    await press(page, 'Delete');
    const dialog = page.getByRole('dialog');
    await expect(dialog).toContainText('2 nodes');
    const button = dialog.getByRole('button', { name: 'Delete all' });
    await expect(button).toBeDisabled();
    await dialog.getByRole('textbox').fill('parent');
    await button.click();
    await expect(page).toHaveURL(/#\/tree\/edit$/);
    await expect(row(page, '/edit/parent')).toHaveCount(0);
    await expect(order('get', { path: '/edit/parent' })).rejects.toThrow('NoNode');
});

test('the access control list is edited under its version', async ({ at }) => {
    await order('set', { path: '/edit/acl', data: '' });
    const page = await at('tree/edit/acl');
    await press(page, 'Edit the access control list');
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('checkbox', { name: 'delete' }).uncheck();
    await dialog.getByRole('button', { name: 'Save' }).click();
    await expect(page.getByRole('table', { name: 'Access control list' }).locator('.has')).toHaveText([
        'c',
        'r',
        'w',
        'a',
    ]);
    await expect(page.getByRole('region', { name: 'Stat' }).locator('dd[data-of=aversion]')).toHaveText('1');
});
