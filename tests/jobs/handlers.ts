/** Handlers of which only that of `mail` does anything. */
import type { JobHandlers } from "../../src/jobs/jobs.ts";

export function onMail(mail: JobHandlers["mail"]): JobHandlers {
  const nothing = async () => {};
  return {
    mail,
    notice: nothing,
    mail_request: nothing,
    signing_keys: nothing,
    audit: nothing,
    clean_up: nothing,
  };
}
