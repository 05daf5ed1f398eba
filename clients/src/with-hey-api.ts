// @hey-api/openapi-ts with its fetch client.

import { client } from '../generated/hey-api/client.gen.js';
import {
  employeesGetEmployee,
  employeesListEmployees,
  signInWithPassword,
} from '../generated/hey-api/sdk.gen.js';
import { expect, serverFromArguments } from './visit.js';

const server = serverFromArguments();
client.setConfig({ baseUrl: server.baseUrl });

const signedIn = await signInWithPassword({
  body: { login: server.login, password: server.password },
});
expect(signedIn.data !== undefined, 'not signed in');
const token = signedIn.data.access_token;
client.setConfig({ auth: () => token });

const page = await employeesListEmployees({ query: { limit: 5, sort: '-name' } });
expect(page.data?.items.length === 5, 'a page of five');

const missing = await employeesGetEmployee({
  path: { employee_id: '00000000-0000-7000-8000-000000000000' },
});
expect(missing.error?.code === 'not_found', 'an unknown employee is a problem with a code');

console.log(`@hey-api/openapi-ts: signed in, ${page.data.items.length} employees, problem read`);
