// openapi-typescript's types under openapi-fetch.

import createClient from 'openapi-fetch';

import type { paths } from '../generated/openapi-typescript/schema.js';
import { expect, serverFromArguments } from './visit.js';

const server = serverFromArguments();
const client = createClient<paths>({ baseUrl: server.baseUrl });

const signedIn = await client.POST('/api/v1/sign-in', {
  body: { login: server.login, password: server.password },
});
expect(signedIn.data !== undefined, `not signed in: ${signedIn.error?.code}`);
const headers = { Authorization: `Bearer ${signedIn.data.access_token}` };

const seen = new Set<string>();
let cursor: string | undefined;
do {
  const page = await client.GET('/api/v1/employees', {
    headers,
    params: { query: { limit: 200, ...(cursor ? { cursor } : {}) } },
  });
  expect(page.data !== undefined, `no page: ${page.error?.code}`);
  page.data.items.forEach((employee) => seen.add(employee.id));
  cursor = page.data.next_cursor ?? undefined;
} while (cursor);
expect(seen.size >= 500, `only ${seen.size} employees`);

const missing = await client.GET('/api/v1/employees/{employee_id}', {
  headers: { ...headers, 'Accept-Language': 'en' },
  params: { path: { employee_id: '00000000-0000-7000-8000-000000000000' } },
});
expect(missing.error?.code === 'not_found', 'an unknown employee is a problem with a code');
expect(missing.error.title === 'Not found', 'the title follows Accept-Language');

console.log(`openapi-typescript: signed in, ${seen.size} employees, problem ${missing.error.code}`);
