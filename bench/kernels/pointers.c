/* Pointer chasing: a shuffled linked list walked from end to end, and a binary search tree grown and searched. */
#include "kernel.h"

enum { NODES = 1024 };

struct node {
  struct node *next, *left, *right;
  u64 key;
};

static struct node nodes[NODES];

static void insert(struct node *root, struct node *node) {
  struct node **link = &root;
  while (*link) link = node->key < (*link)->key ? &(*link)->left : &(*link)->right;
  *link = node;
}

/* A full-period generator modulo NODES visits every node once, in no order that a prefetcher likes. */
static struct node *build(void) {
  u64 random = 9, index = 0;
  for (u64 i = 0; i < NODES; i++) nodes[i] = (struct node){0, 0, 0, next_random(&random)};
  for (u64 i = 1; i < NODES; i++) {
    u64 following = (index * 389 + 421) % NODES;
    nodes[index].next = &nodes[following];
    insert(&nodes[0], &nodes[following]);
    index = following;
  }
  return &nodes[0];
}

static u64 walk(const struct node *node) {
  u64 sum = 0;
  for (; node; node = node->next) sum = rotate_left64(sum, 1) ^ node->key;
  return sum;
}

static u64 depth_of(const struct node *node, u64 key) {
  u64 depth = 0;
  for (; node && node->key != key; depth++) node = key < node->key ? node->left : node->right;
  return depth;
}

static u64 sum_tree(const struct node *node, u64 depth) {
  if (!node) return 0;
  return sum_tree(node->left, depth + 1) + node->key * depth + sum_tree(node->right, depth + 1);
}

u64 kernel(u64 n) {
  const struct node *root = build();
  u64 checksum = sum_tree(root, 1);
  for (u64 round = 0; round < n; round++) {
    checksum += walk(root) ^ round;
    for (u64 i = round % 8; i < NODES; i += 8) checksum += depth_of(root, nodes[i].key) << round % 32;
  }
  return checksum;
}
