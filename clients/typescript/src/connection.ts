// The way to the gateway that the environment names.

import { readFileSync } from "node:fs";

import { type ChannelCredentials, type ClientOptions, credentials, Metadata } from "@grpc/grpc-js";

/** What every client is made with. Plaintext on this machine only: whoever reads a token may use it. */
export function connection(): [string, ChannelCredentials, ClientOptions] {
  const address = process.env.CHATKEY_ADDRESS || "127.0.0.1:50051";
  const isLocal = /^(localhost|127\.0\.0\.1|\[::1\]):\d+$/.test(address);
  // A proxy of the environment would take calls to this machine too, and a token in plaintext with them.
  return isLocal
    ? [address, credentials.createInsecure(), { "grpc.enable_http_proxy": 0 }]
    : [address, credentials.createSsl(), {}];
}

/** The token, for a call. */
export function authorization(): Metadata {
  const file = process.env.CHATKEY_TOKEN_FILE;
  const token = file ? readFileSync(file, "utf8").trim() : process.env.CHATKEY_TOKEN;
  const metadata = new Metadata();
  if (token) metadata.set("authorization", `Bearer ${token}`);
  return metadata;
}
