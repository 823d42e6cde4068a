/** Of nodemailer, which has no types of its own, what mail.ts uses. */
declare module 'nodemailer' {
  export type TransportOptions = {
    readonly host: string;
    readonly port: number;
    readonly secure: boolean;
    readonly requireTLS: boolean;
    readonly ignoreTLS: boolean;
    readonly tls: { readonly servername?: string; readonly rejectUnauthorized: boolean };
    readonly auth?: { readonly user: string; readonly pass: string };
    readonly connectionTimeout: number;
    readonly greetingTimeout: number;
    readonly socketTimeout: number;
    readonly disableFileAccess: true;
    readonly disableUrlAccess: true;
  };
  export type Message = {
    readonly from: string;
    readonly to: readonly string[];
    readonly subject: string;
    readonly text: string;
    readonly messageId: string;
    readonly headers: { readonly [name: string]: string };
    readonly attachments: readonly {
      readonly filename: string;
      readonly content: string;
      readonly contentType: string;
    }[];
  };
  export type Sent = { readonly accepted: readonly unknown[]; readonly rejected: readonly unknown[] };
  export type Transport = {
    readonly sendMail: (message: Message) => Promise<Sent>;
    readonly close: () => void;
  };
  export function createTransport(options: TransportOptions): Transport;
}
