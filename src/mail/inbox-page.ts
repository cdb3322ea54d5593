import Mustache from "mustache";
import type { ReceivedMail } from "./transport.ts";

/** The HTML part is shown in a frame without scripts, forms or an origin; its links open in a tab of their own. */
const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Mail</title>
<style>
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 860px; margin: 32px auto; padding: 0 16px; }
h1 { font-size: 20px; }
details { border: 1px solid #8886; border-radius: 8px; margin: 12px 0; }
summary { padding: 10px 14px; cursor: pointer; }
summary span { opacity: 0.7; font-size: 13px; display: block; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; margin: 0; padding: 12px 14px; border-top: 1px solid #8886; font-size: 13px; }
iframe { width: 100%; height: 460px; border: 0; border-top: 1px solid #8886; border-radius: 0 0 8px 8px; background: #fff; color-scheme: light; }
</style>
</head>
<body>
<h1>Mail</h1>
{{#sent}}
<p>SMTP_URL is set: mails go to that server, and none is kept here.</p>
{{/sent}}
{{^sent}}
<p>The last hundred mails, the newest first. They went nowhere: SMTP_URL is not set. Reload to see new ones, or read <a href="/dev/mail.json">/dev/mail.json</a>.</p>
{{^mails}}
<p>There is none yet.</p>
{{/mails}}
{{/sent}}
{{#mails}}
<details{{#first}} open{{/first}}>
<summary><strong>{{subject}}</strong><span>to {{to}}, {{at}}</span></summary>
<pre>{{text}}</pre>
<iframe title="HTML part" sandbox="allow-popups allow-popups-to-escape-sandbox" srcdoc="{{framed}}"></iframe>
</details>
{{/mails}}
</body>
</html>
`;

export function inboxPage(inbox: readonly ReceivedMail[] | null): string {
  const mails = (inbox ?? []).toReversed().map((mail, index) => ({
    ...mail,
    first: index === 0,
    framed: mail.html.replace("<head>", '<head><base target="_blank">'),
  }));
  return Mustache.render(PAGE, { sent: inbox === null, mails });
}
