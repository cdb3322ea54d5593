/** A server whose certificate no known authority has signed, as those of hosted databases are. */
import { expect, test } from "bun:test";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { TLSSocket } from "node:tls";
import { createProject } from "./project.ts";

/** Of nobody, for localhost, made for this test. */
const key = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgh+Hh8iCYR6rncUAh
YNO4MQ3tmBuC04r5FMvafHfBxOmhRANCAAQGc6Q4TWVg5o8tuVK60JuqKzc5ZmHV
cbZN8ZZ/nZlZGASi3JZQoGWyK8/DUO97pKdnhTW3cDV8R08ab8EkX7k1
-----END PRIVATE KEY-----
`;
const cert = `-----BEGIN CERTIFICATE-----
MIIBfjCCASWgAwIBAgIURl5pdDfWwv5ilRzFLMRRURoF0yUwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEzMDA5MjMxN1oYDzIxMjYxMTA2
MDkyMzE3WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAAQGc6Q4TWVg5o8tuVK60JuqKzc5ZmHVcbZN8ZZ/nZlZGASi3JZQoGWy
K8/DUO97pKdnhTW3cDV8R08ab8EkX7k1o1MwUTAdBgNVHQ4EFgQUzw/OK0mnZ6H3
M7EhoCN0yqz3caswHwYDVR0jBBgwFoAUzw/OK0mnZ6H3M7EhoCN0yqz3caswDwYD
VR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNHADBEAiAmntDYLHtQb7LMGKfPtm9A
Mk0Cpy0ldAuxlGIr823ihAIgGZ8RlsesaHS7rziRbsIyCbBmhVOgLRcNxemE3xF3
0ZQ=
-----END CERTIFICATE-----
`;

test("a private authority: what to name, and where", async () => {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    // The client asks for TLS first.
    socket.once("data", () => {
      socket.write("S");
      new TLSSocket(socket, { isServer: true, key, cert }).on("error", () => {});
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const url = `postgresql://u:secret@localhost:${port}/db?sslmode=verify-full`;
  const project = await createProject(url, {
    "prisma/schema.prisma": 'datasource db {\n  provider = "postgresql"\n}\n',
  });
  try {
    const { code, stderr } = await project.drift();
    expect(stderr).toContain("a certificate of an authority that is not known here");
    expect(stderr).toContain("sslrootcert=/path/to/ca.pem");
    expect(stderr).toContain("NODE_EXTRA_CA_CERTS");
    expect(stderr).not.toContain("secret");
    expect(code).toBe(1);
  } finally {
    server.close();
    await project.remove();
  }
});
