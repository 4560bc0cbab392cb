# Reads an export of intraneuron and computes one p of every test again, with nothing but R.
#
#   intraneuron export STUDY --neurons L0N3,L1N20 --all-vectors --out few
#   Rscript docs/read_export.R few            # 9,999 draws a test
#   Rscript docs/read_export.R few 99999      # more of them
#
# In R: source("docs/read_export.R"); tables <- read_export("few"); head(tables$tokens)
#
# intraneuron takes p from exact moments and closed forms. Here it is taken from plain shuffles, or from R's own exact
# test. A p whose difference is beyond the Monte Carlo error is an error of one of the two, and ends the script with
# exit code 1; p from three moments is an approximation, and may be off by an eighth beside. From 0.2 on (selectivity, which is twice a tail: 0.4) intraneuron takes a smooth tail of two or three
# moments and looks no closer, because nothing is decided there: such a p may be off by 0.15, and is marked "rough".
# Tightness is held against all tokens that could be core tokens, so it takes an export with --all-vectors in place of
# --vectors, which is a large file: for a vocabulary of 30,000 it takes minutes to read.

# Reading -------------------------------------------------------------------------------------------------------------

# A text comes back as it was: quotes, NA, blanks, line ends. R takes a carriage return for a line end while it reads,
# so it is hidden behind a character that no token has (control characters are written <0xNN>), and put back.
read_exactly <- function(file) {
  bytes <- readBin(file, "raw", file.size(file))
  bytes[bytes == as.raw(13)] <- as.raw(1)
  copy <- tempfile(fileext = ".csv")
  on.exit(unlink(copy))
  writeBin(bytes, copy)
  frame <- read.csv(copy, colClasses = "character", na.strings = character(0), encoding = "UTF-8", check.names = FALSE)
  frame[] <- lapply(frame, function(column) gsub("\001", "\r", column, fixed = TRUE))
  frame
}

# The tables of an export, with the types that its codebook names.
read_export <- function(folder) {
  codebook <- read_exactly(file.path(folder, "codebook.csv"))
  as_type <- function(column, type) {
    if (type == "text") column else if (type == "true or false") as.logical(column) else as.numeric(column)
  }
  tables <- lapply(split(codebook, codebook$table), function(own) {
    frame <- read_exactly(file.path(folder, paste0(own$table[1], ".csv")))
    stopifnot(identical(names(frame), own$name))
    frame[] <- Map(as_type, frame, own$type)
    frame
  })
  c(tables, list(codebook = codebook))
}

# Whether an export has the vectors of all tokens that could be core tokens.
has_all_vectors <- function(folder) any(readLines(file.path(folder, "export.toml")) == "all_vectors = true")

# Small tools ---------------------------------------------------------------------------------------------------------

# Of several p, the one that says most: the nearest to 0.05.
telling <- function(p) which.min(abs(log(pmax(p, 1e-300)) - log(0.05)))

# Whether a drawn number reaches the observed one; equal but for rounding counts.
reaches <- function(drawn, observed) drawn >= observed - 1e-9 * max(1, abs(observed))

p_of_draws <- function(hits, draws) list(p = (1 + hits) / (1 + draws), draws = draws)

# Half of the draws that are equal count, as in the mid-p of whole numbers; small is extreme.
mid_p <- function(drawn, observed) {
  list(p = mean(drawn < observed) + mean(drawn == observed) / 2, draws = length(drawn))
}

# Deals the tokens to positions at random: the sums over pairs of weight times similarity, a row a draw.
deal <- function(S, weights, draws) {
  W <- sapply(weights, as.vector)
  n <- nrow(S)
  t(vapply(seq_len(draws), function(i) {
    order <- sample.int(n)
    drop(crossprod(W, as.vector(S[order, order])))
  }, numeric(ncol(W))))
}

# Weights that give the mean over the pairs inside a set of positions.
mean_inside <- function(inside) {
  t <- sum(inside)
  D <- outer(inside, inside) * 1
  diag(D) <- 0
  D / (t * (t - 1))
}

# SD of the mean over pairs inside a random subset of t of n tokens, by counting how often pairs go in together.
subset_sd <- function(S, t) {
  n <- nrow(S)
  diag(S) <- 0
  r <- rowSums(S)
  same <- sum(S^2) / 2
  shared <- sum(r^2) - 2 * same
  all <- (sum(S) / 2)^2
  chance <- function(k) prod((t - 0:(k - 1)) / (n - 0:(k - 1)))
  square <- chance(2) * same + chance(3) * shared + chance(4) * (all - same - shared)
  sqrt(square - (chance(2) * sum(S) / 2)^2) / choose(t, 2)
}

# The tests: each returns what was observed, ours and here, and p, ours and here ---------------------------------------

top_down <- function(one, draws) {
  own <- one$grouped
  ranks <- rank(own$activation)
  size <- as.vector(table(own$category))
  spread <- function(r) colSums(rowsum(r, own$category)^2 / size)
  drawn <- spread(vapply(seq_len(draws), function(i) sample(ranks), numeric(nrow(own))))
  h <- unname(kruskal.test(own$activation, own$category)$statistic)
  hits <- sum(reaches(drawn, spread(matrix(ranks))))
  list(seen = c(one$neuron$top_down_h, h), ours = one$neuron$top_down_p, theirs = p_of_draws(hits, draws))
}

category_delta <- function(one, draws) {
  row <- one$categories[telling(one$categories$cliffs_delta_p), ]
  inside <- one$grouped$category == row$category
  x <- one$grouped$activation[inside]
  y <- one$grouped$activation[!inside]
  pairs <- outer(x, y, "-")
  delta <- mean(sign(pairs))
  if (anyDuplicated(c(x, y))) {
    ranks <- rank(c(x, y))
    middle <- length(x) * (length(x) + length(y) + 1) / 2
    drawn <- replicate(draws, sum(sample(ranks, length(x))))
    hits <- sum(reaches(abs(drawn - middle), abs(sum(ranks[seq_along(x)]) - middle)))
    theirs <- p_of_draws(hits, draws)
  } else {
    theirs <- list(p = wilcox.test(x, y, exact = TRUE)$p.value, draws = Inf)
  }
  list(seen = c(row$cliffs_delta, delta), ours = row$cliffs_delta_p, theirs = theirs, rough = FALSE)
}

selectivity <- function(one, draws) {
  row <- one$categories[telling(one$categories$selectivity_p), ]
  inside <- one$grouped$category == row$category
  above <- one$grouped$activation - min(one$tokens$activation)
  observed <- sum(above[inside])
  drawn <- replicate(draws, sum(sample(above, sum(inside))))
  tails <- c(sum(reaches(drawn, observed)), sum(reaches(-drawn, -observed)))
  theirs <- p_of_draws(min(tails), draws)
  theirs <- list(p = min(1, 2 * theirs$p), draws = draws / 2)
  list(seen = c(row$selectivity, observed / sum(above) - mean(inside)), ours = row$selectivity_p, theirs = theirs,
       drawn = is_drawn(inside), rough = row$selectivity_p >= 2 * ROUGH)
}

interleaving <- function(one, draws) {
  label <- one$grouped$category
  runs <- function(order) 1 + sum(order[-1] != order[-length(order)])
  size <- as.vector(table(label))
  m <- sum(size)
  expected <- (m * (m + 1) - sum(size^2)) / m
  seen <- (runs(label) - length(size)) / (expected - length(size))
  drawn <- replicate(draws, runs(sample(label)))
  list(seen = c(one$neuron$interleaving, seen), ours = one$neuron$interleaving_p, theirs = mid_p(drawn, runs(label)))
}

homogeneity <- function(one, draws) {
  row <- one$segments[telling(one$segments$homogeneity_p), ]
  one_zone(one$S, one$tokens$segment == row$segment, row$homogeneity, row$homogeneity_p, draws)
}

step_down <- function(one, draws) {
  p <- one$segments$stepdown_p
  p[1] <- NA # the first segment's is its homogeneity_p
  row <- one$segments[telling(p), ]
  left <- one$tokens$segment >= row$segment
  one_zone(one$S[left, left], one$tokens$segment[left] == row$segment, row$homogeneity, row$stepdown_p, draws)
}

one_zone <- function(S, inside, seen, p, draws) {
  D <- mean_inside(inside)
  observed <- sum(D * S)
  hits <- sum(reaches(deal(S, list(D), draws), observed))
  list(seen = c(seen, observed), ours = p, theirs = p_of_draws(hits, draws), drawn = is_drawn(inside))
}

# Groups under 10 tokens, and neurons under 40, are drawn by intraneuron, too: with a relative error of about 7 %.
is_drawn <- function(inside) min(sum(inside), sum(!inside)) < 10 || length(inside) < 40

peak <- function(one, draws) {
  inside <- one$tokens$rank <= 20
  D <- mean_inside(inside) - mean_inside(!inside)
  observed <- sum(D * one$S)
  hits <- sum(reaches(deal(one$S, list(D), draws), observed))
  theirs <- p_of_draws(hits, draws)
  list(seen = c(one$neuron$peak, observed), ours = one$neuron$peak_p, theirs = theirs, drawn = is_drawn(inside))
}

mrpp <- function(one, draws) {
  size <- table(one$tokens$segment)
  size <- size[size >= 2]
  zones <- lapply(names(size), function(g) mean_inside(one$tokens$segment == as.numeric(g)))
  D <- Reduce(`+`, Map(`*`, zones, size / sum(size)))
  observed <- sum(D * one$S)
  a <- 1 - (1 - observed) / (1 - mean(one$S[upper.tri(one$S)]))
  hits <- sum(reaches(deal(one$S, list(D), draws), observed))
  list(seen = c(one$neuron$mrpp_a, a), ours = one$neuron$mrpp_p, theirs = p_of_draws(hits, draws))
}

distance <- function(one, draws) {
  ranks <- rank(one$tokens$activation)
  D <- abs(outer(ranks, ranks, "-"))
  above <- upper.tri(D)
  r <- cor(D[above], one$S[above])
  hits <- sum(reaches(-deal(one$S, list(D), draws), -sum(D * one$S)))
  list(seen = c(one$neuron$distance_r, r), ours = one$neuron$distance_p, theirs = p_of_draws(hits, draws))
}

agreement <- function(one, draws) {
  counts <- table(one$grouped$category, one$grouped$segment)
  rows <- rowSums(counts)
  columns <- colSums(counts)
  expected <- outer(rows, columns) / sum(counts)
  x2 <- function(table) sum((table - expected)^2 / expected)
  drawn <- vapply(r2dtable(draws, rows, columns), x2, numeric(1))
  theirs <- p_of_draws(sum(reaches(drawn, x2(counts))), draws)
  if (min(dim(counts)) == 2) theirs <- mid_p(-round(drawn, 9), -round(x2(counts), 9))
  list(seen = c(one$neuron$agreement_x2, x2(counts)), ours = one$neuron$agreement_p, theirs = theirs)
}

purity <- function(one, draws) {
  row <- one$segments[telling(one$segments$purity_p), ]
  inside <- one$grouped$segment == row$segment
  label <- factor(one$grouped$category)
  largest <- max(table(label[inside]))
  drawn <- vapply(r2dtable(draws, c(sum(inside), sum(!inside)), table(label)), function(t) max(t[1, ]), numeric(1))
  theirs <- p_of_draws(sum(drawn >= largest), draws)
  list(seen = c(row$purity, largest / sum(inside)), ours = row$purity_p, theirs = theirs, rough = FALSE)
}

abstraction <- function(one, draws) {
  inside <- one$tokens$segment == 1
  spelling <- sub("^##", "", gsub("^ +| +$", "", one$tokens$token))
  longer <- outer(nchar(spelling), nchar(spelling), pmax)
  form <- 1 - adist(spelling) / pmax(longer, 1)
  z <- function(S) (S - mean(S[upper.tri(S)])) / subset_sd(S, sum(inside))
  M <- z(one$S) - z(form)
  D <- mean_inside(inside)
  observed <- sum(D * M)
  hits <- sum(reaches(deal(M, list(D), draws), observed))
  theirs <- p_of_draws(hits, draws)
  list(seen = c(one$neuron$abstraction, observed), ours = one$neuron$abstraction_p, theirs = theirs,
       drawn = is_drawn(inside))
}

# The mean cosine of the neuron's tokens against that of as many random tokens: |sum of unit vectors|^2 holds all pairs.
tightness <- function(one, draws) {
  alike <- function(E) (sum(colSums(E)^2) - sum(E^2)) / (nrow(E) * (nrow(E) - 1))
  n <- nrow(one$vector)
  observed <- alike(one$vector)
  drawn <- vapply(seq_len(draws), function(i) alike(one$every[sample.int(nrow(one$every), n), ]), numeric(1))
  theirs <- p_of_draws(sum(reaches(drawn, observed)), draws)
  list(seen = c(one$neuron$tightness, observed - alike(one$every)), ours = one$neuron$tightness_p, theirs = theirs)
}

TESTS <- list(
  top_down = top_down, category_delta = category_delta, selectivity = selectivity, interleaving = interleaving,
  homogeneity = homogeneity, step_down = step_down, peak = peak, mrpp = mrpp, distance = distance,
  agreement = agreement, purity = purity, abstraction = abstraction, tightness = tightness
)

# Comparing -----------------------------------------------------------------------------------------------------------

# The vectors in whose space a neuron is compared: the untrained twin may have its own, and so may each layer.
space_of <- function(vectors, neuron) {
  untrained <- startsWith(vectors$space, "untrained-")
  if (any(untrained)) vectors <- vectors[untrained == (neuron$population == "untrained"), ]
  of_layer <- grepl("layer-input", vectors$space)
  vectors[!of_layer | endsWith(vectors$space, sprintf("-%02d", neuron$layer)), ]
}

# All that the export has of one neuron, or of one twin; S are the cosines of its tokens.
neuron_of <- function(tables, neuron) {
  own <- function(table) {
    table[table$population == neuron$population & table$layer == neuron$layer & table$neuron == neuron$neuron, ]
  }
  tokens <- own(tables$tokens)
  vectors <- space_of(tables$vectors, neuron)
  numbers <- as.matrix(vectors[, grepl("^v[0-9]+$", names(vectors))])
  vector <- numbers[match(tokens$token_id, vectors$token_id), ]
  S <- tcrossprod(vector)
  diag(S) <- 0
  list(
    neuron = neuron, tokens = tokens, grouped = tokens[!is.na(tokens$category), ], S = S, vector = vector,
    every = numbers[vectors$count >= neuron$min_count, ], categories = own(tables$categories), segments = own(tables$segments)
  )
}

# How many Monte Carlo errors a difference may have: one in 16,000 has more by chance.
ALLOWED <- 4

# Tests whose p is a tail with three exact moments.
MOMENTS <- c("homogeneity", "step_down", "peak", "peak10", "peak5", "mrpp", "distance", "agreement", "abstraction", "tightness")

# From this p on no closer look is taken.
ROUGH <- 0.2

# One line a test; TRUE where ours and theirs agree.
compare <- function(test, one, draws) {
  found <- if (defined(test, one)) TESTS[[test]](one, draws)
  if (is.null(found) || is.na(found$ours)) {
    cat(sprintf("  %-15s undefined\n", test))
    return(TRUE)
  }
  theirs <- found$theirs
  # Where no draw reached the value, p is known to be below one in so many draws, and no better.
  error <- sqrt(max(theirs$p, 1 / theirs$draws) * max(1 - theirs$p, 0.1) / theirs$draws)
  if (isTRUE(found$drawn)) error <- sqrt(error^2 + (0.07 * found$ours)^2)
  rough <- if (is.null(found$rough)) found$ours >= ROUGH else found$rough
  same <- abs(found$seen[1] - found$seen[2]) <= 1e-4 * max(1, abs(found$seen[2]))
  approximate <- if (test %in% MOMENTS) found$ours / 8 else 0
  near <- abs(found$ours - theirs$p) <= ALLOWED * error + approximate + 1e-6 * theirs$p + if (rough) 0.15 else 0
  verdict <- if (!same) "OTHER VALUE" else if (!near) "BEYOND THE ERROR" else if (rough) "rough" else ""
  cat(sprintf("  %-15s value %9.4f  R %9.4f   p %.5f  R %.5f  error %.5f  %s\n",
              test, found$seen[1], found$seen[2], found$ours, theirs$p, error, verdict))
  same && near
}

# Whether a neuron has what a test is about.
defined <- function(test, one) {
  p <- switch(test,
    category_delta = one$categories$cliffs_delta_p, selectivity = one$categories$selectivity_p,
    homogeneity = one$segments$homogeneity_p, step_down = one$segments$stepdown_p[-1],
    purity = one$segments$purity_p,
    one$neuron[[paste0(test, "_p")]]
  )
  any(!is.na(p))
}

main <- function(folder, draws = 9999) {
  set.seed(1)
  tables <- read_export(folder)
  needed <- c("neurons", "tokens", "categories", "segments", "vectors")
  if (!all(needed %in% names(tables))) stop("This needs an export of all tables, with --vectors.")
  if (nrow(tables$neurons) > 60) stop("This takes seconds a neuron; export a few, with --neurons L0N3,L1N20.")
  tests <- setdiff(names(TESTS), if (!has_all_vectors(folder)) "tightness")
  agree <- c()
  for (i in seq_len(nrow(tables$neurons))) {
    one <- neuron_of(tables, tables$neurons[i, ])
    cat(sprintf("%s L%dN%d\n", one$neuron$population, one$neuron$layer, one$neuron$neuron))
    agree <- c(agree, vapply(tests, compare, logical(1), one = one, draws = draws))
  }
  if (!all(agree)) stop(sprintf("%d of %d p differ beyond %d Monte Carlo errors.", sum(!agree), length(agree), ALLOWED))
  cat(sprintf("All %d p are within %d Monte Carlo errors, or, where rough, 0.15 more.\n", length(agree), ALLOWED))
}

if (sys.nframe() == 0) {
  arguments <- commandArgs(trailingOnly = TRUE)
  if (length(arguments) == 0) stop("Usage: Rscript read_export.R FOLDER [DRAWS]")
  main(arguments[1], if (length(arguments) > 1) as.integer(arguments[2]) else 9999)
}
