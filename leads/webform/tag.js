// Baton: page views and what you tell it. No cookies; honors Do Not Track and Global Privacy Control.
(function (w, d, key, waits) {
  var n = navigator, me = d.currentScript, host = me.src.split("/tag/")[0], keep = {}, queue = [], timer,
    off = n.globalPrivacyControl || n.doNotTrack == 1, may = !waits, given = w.baton || [];
  try { keep = w.localStorage; may = keep.baton_ok || may && !keep.baton_no; } catch (e) {}
  function uid() { return w.crypto.randomUUID ? w.crypto.randomUUID() : Date.now() + Math.random().toString(36); }
  function id() { try { return keep.baton_id = keep.baton_id || uid(); } catch (e) { keep = {}; return id(); } }
  function page() { return { url: location.href, path: location.pathname, title: d.title, referrer: d.referrer }; }
  function campaign() {
    var c = {}, q = new URLSearchParams(location.search);
    ["source", "medium", "campaign", "term", "content"].forEach(k => {
      if (q.get("utm_" + k)) c[k == "campaign" ? "name" : k] = q.get("utm_" + k);
    });
    return c;
  }
  function send() {
    var most = 15, batch, body;
    timer = clearTimeout(timer);
    while (may && !off && queue.length) {
      batch = queue.splice(0, most);
      batch.forEach(e => { e.anonymousId = id(); });
      body = JSON.stringify({ writeKey: key, sentAt: new Date(), batch: batch });
      if (n.sendBeacon(host + "/v1/batch", body)) continue;
      most = batch.length >> 1;
      if (most || new Blob([body]).size <= 65536) queue = batch.concat(queue);
      if (!most) { timer = setTimeout(send, 1000); break; }
    }
  }
  function add(e) {
    if (off || queue.length > 99) return;
    e.messageId = uid(); e.timestamp = new Date();
    e.context = { page: page(), campaign: campaign(), userAgent: n.userAgent };
    queue.push(e);
    timer = timer || setTimeout(send, 300);
  }
  function put(form, name, value) {
    var i = form.elements[name] || form.appendChild(d.createElement("input"));
    i.type = "hidden"; i.name = name; i.value = value;
  }
  function ready() {
    [].forEach.call(d.forms, f => {
      var to = f.getAttribute("action") || "";
      if (to.indexOf(host + "/f/")) return;
      fetch(to + "opened/").then(r => r.json()).then(r => put(f, "_token", r.token)).catch(() => {});
      f.addEventListener("submit", () => {
        put(f, "_page", location.href); put(f, "_referrer", d.referrer);
        if (may && !off) put(f, "_browser", id());
        send();
      });
    });
  }
  var b = w.baton = {
    track: (event, properties) => add({ type: "track", event, properties }),
    identify: traits => add({ type: "identify", traits }),
    page: name => add({ type: "page", name, properties: page() }),
    consent: yes => {
      may = yes !== false;
      if (!may) queue = [];
      try {
        if (may) { keep.baton_ok = 1; delete keep.baton_no; }
        else { if (!waits) keep.baton_no = 1; delete keep.baton_ok; delete keep.baton_id; }
      } catch (e) {}
      send();
    },
    push: call => b[call[0]](...call.slice(1))
  };
  d.addEventListener("visibilitychange", send); w.addEventListener("pagehide", send);
  if (d.readyState == "loading") d.addEventListener("DOMContentLoaded", ready); else ready();
  b.page(me.getAttribute("data-page") || undefined);
  [].forEach.call(given, b.push);
})(window, document, "{{key}}", {{waits}});
