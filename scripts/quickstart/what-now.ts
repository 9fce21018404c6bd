/** What a user can do with the broker that a quickstart left running. */
import type { World } from "./world.ts";

export const whatNow = ({ brokerUrl, adminUrl, dir }: World): string => `
The broker stays up at ${brokerUrl} (operators: ${adminUrl}).
Its policy is in ${dir}/policy: edit it, and it is reloaded.
Fresh identities of the five workloads are in ${dir}/attestations, good for an hour.
In another terminal, for the commands of the README and of \`mayfly\`:

  export DIR=${dir} BROKER=${brokerUrl}
  export MAYFLY_URL=${brokerUrl} MAYFLY_ADMIN_URL=${adminUrl}

Try:

  curl -s $BROKER/token \\
    -d grant_type=urn:ietf:params:oauth:grant-type:token-exchange \\
    -d subject_token_type=urn:ietf:params:oauth:token-type:jwt \\
    --data-urlencode subject_token@$DIR/attestations/invoice-bot \\
    -d scope=ledger-report
  npm run -s mayfly -- kill --scope agent:invoice-bot --attestation-file $DIR/attestations/security-desk

Ctrl-C stops everything.
`;
