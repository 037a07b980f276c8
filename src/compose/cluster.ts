/** What a node of a cluster loads beyond a Lockstep that is alone. */
export { joinOthers } from "./cluster/join.js";
export { openNode } from "./cluster/node.js";
