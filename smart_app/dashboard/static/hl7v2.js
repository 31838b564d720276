// HL7 v2 for administrators: which of its parts an address shows. Ids in addresses are hashes.
import { el } from "./dom.js";
import { framed } from "./admin-frame.js";
import { feedsView } from "./hl7v2-feeds.js";
import { messageView } from "./hl7v2-message.js";
import { messagesView } from "./hl7v2-messages.js";
import { sentView } from "./hl7v2-sent.js";
import { tryView } from "./hl7v2-try.js";

const PARTS = [
  { name: "Feeds", hash: "#/feeds", view: feedsView },
  { name: "Messages", hash: "#/messages", view: messagesView },
  { name: "Sent", hash: "#/sent", view: sentView },
  { name: "Try a message", hash: "#/try", view: tryView },
];
const ONE = "#/messages/";

function hl7v2View() {
  const part = PARTS.find((one) => location.hash.startsWith(one.hash)) ?? PARTS[0];
  const link = (one) => el("a", { href: one.hash, "aria-current": one === part ? "page" : null }, one.name);
  const single = location.hash.startsWith(ONE);
  return el(
    "div.stack",
    {},
    el("h1", {}, "HL7 v2"),
    el("nav.places", { "aria-label": "Parts of HL7 v2" }, ...PARTS.map(link)),
    single ? messageView(location.hash.slice(ONE.length)) : part.view(),
  );
}

framed("admin", "HL7 v2 is looked after by people with the role admin.", hl7v2View);
