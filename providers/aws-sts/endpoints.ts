/**
 * Where STS and IAM answer. Said here and not left to the SDK, which would also take an address from the environment
 * or a file of the machine. STS by its region; IAM has one address a partition.
 */
export interface Endpoints {
  readonly sts: string;
  readonly iam: string;
  /** What requests to IAM are signed for. */
  readonly iamRegion: string;
}

export function endpointsOf(
  region: string,
  overrides: { readonly sts: string | undefined; readonly iam: string | undefined },
): Endpoints | undefined {
  const known = /^[a-z]{2}(?:-[a-z]+){1,2}-\d{1,2}$/.test(region) ? partitionOf(region) : undefined;
  const [sts, iam] = [overrides.sts ?? known?.sts, overrides.iam ?? known?.iam];
  if (sts === undefined || iam === undefined) return undefined;
  return { sts, iam, iamRegion: overrides.iam === undefined ? (known?.iamRegion ?? region) : region };
}

function partitionOf(region: string): Endpoints | undefined {
  if (region.startsWith("cn-"))
    return {
      sts: `https://sts.${region}.amazonaws.com.cn`,
      iam: "https://iam.cn-north-1.amazonaws.com.cn",
      iamRegion: "cn-north-1",
    };
  if (region.startsWith("us-gov-"))
    return {
      sts: `https://sts.${region}.amazonaws.com`,
      iam: "https://iam.us-gov.amazonaws.com",
      iamRegion: "us-gov-west-1",
    };
  // Partitions apart from the world have other domains: named by option.
  if (region.startsWith("us-iso") || region.startsWith("eu-iso") || region.startsWith("eusc-")) return undefined;
  return { sts: `https://sts.${region}.amazonaws.com`, iam: "https://iam.amazonaws.com", iamRegion: "us-east-1" };
}
