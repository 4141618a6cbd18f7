import assert from "node:assert/strict";
import { test } from "node:test";

import * as format from "../../../static/js/lib/format.js";

test("small sums keep the digits they need, an unknown price says so", () => {
  assert.equal(format.usd(0), "$0");
  assert.equal(format.usd(0.00001), "<$0.0001");
  assert.equal(format.usd(0.0042), "$0.0042");
  assert.equal(format.usd(0.1234), "$0.123");
  assert.equal(format.usd(12.3), "$12.30");
  assert.equal(format.usd(null), "no price");
});

test("durations from milliseconds to hours", () => {
  assert.equal(format.seconds(0.0002), "<1 ms");
  assert.equal(format.seconds(0.25), "250 ms");
  assert.equal(format.seconds(3.14), "3.1 s");
  assert.equal(format.seconds(59.6), "60 s");
  assert.equal(format.seconds(119.7), "2 min 00 s");
  assert.equal(format.seconds(7322), "2 h 2 min");
  assert.equal(format.seconds(null), "–");
});

test("sizes and token estimates", () => {
  assert.equal(format.bytes(999), "999 B");
  assert.equal(format.bytes(12_340), "12.3 KB");
  assert.equal(format.bytes(104_857_600), "105 MB");
  assert.equal(format.estimatedTokens(4001), 1001);
});

test("ages up to a month are relative", () => {
  const now = Date.parse("2026-01-02T00:00:00Z");
  assert.match(format.ago("2026-01-01T23:58:00Z", now), /2 min/);
  assert.match(format.ago("2026-01-01T00:00:00Z", now), /yesterday/);
  assert.match(format.ago("2025-06-01T00:00:00Z", now), /2025/);
});
