/** `opentok/lib/api.js`: the one function through which the SDK sends every request. */
export interface SdkResponse {
  status: number;
  headers: { get(name: string): string | null };
}
export type SdkCallback = (error: unknown, body: unknown, response: SdkResponse | null) => void;
export interface SdkRequest {
  callback: SdkCallback;
}
declare const transport: { api(request: SdkRequest): void };
export default transport;
