// What both generated clients must be able to do, run against a served API.

export interface Server {
  baseUrl: string;
  login: string;
  password: string;
}

export function serverFromArguments(): Server {
  const [baseUrl, login, password] = process.argv.slice(2);
  if (!baseUrl || !login || !password) {
    throw new Error('usage: node <client>.js BASE_URL LOGIN PASSWORD');
  }
  return { baseUrl, login, password };
}

export function expect(condition: boolean, text: string): asserts condition {
  if (!condition) {
    throw new Error(text);
  }
}
