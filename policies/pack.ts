import { PolicyPack } from "@pulumi/policy";
import { policiesFor } from "./crossguard.ts";

new PolicyPack("clawstack", { policies: policiesFor(), enforcementLevel: "mandatory" });
