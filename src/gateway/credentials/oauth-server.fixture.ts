// The authorization server of a test, which ends with it. What it is, oauth-peer.fixture.ts says.
import { onTestFinished } from "vitest";
import { type OAuthTestServer, openOAuthServer } from "./oauth-peer.fixture.ts";

export async function startOAuthServer(options: { lifeSec?: number; redirectUrl?: string } = {}): Promise<OAuthTestServer> {
  const server = await openOAuthServer(options);
  onTestFinished(() => server.close());
  return server;
}
