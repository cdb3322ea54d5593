/** A request that is under way for as long as a test likes: its body has not come to its end. */
export async function beginLogin({ url }: { url: string }) {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const writer = writable.getWriter();
  const answer = fetch(`${url}/v1/auth/login`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: readable,
  });
  // Whoever cares awaits it.
  answer.catch(() => {});
  await writer.write(Buffer.from('{"email":'));
  return {
    answer,
    async finish() {
      await writer.write(Buffer.from('"nobody@a.example","password":"x"}'));
      await writer.close();
    },
  };
}
