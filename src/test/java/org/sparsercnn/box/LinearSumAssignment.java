package org.sparsercnn.box;

import java.util.Arrays;

/**
 * The rectangular linear sum assignment problem: give each row its own column (or each column its own row, whichever are
 * fewer) so that the sum of the costs is least.
 *
 * <p>Shortest augmenting paths after D. F. Crouse, "On implementing 2D rectangular assignment algorithms", IEEE Transactions
 * on Aerospace and Electronic Systems 52(4), 2016. The order of every scan and every tie is that of SciPy's
 * {@code linear_sum_assignment}, so equal costs give SciPy's pairs, not merely a sum as small. O(min² · max) time.
 */
public final class LinearSumAssignment {
    private static final int NONE = -1;

    private final int rows;
    private final int cols;
    private final double[] cost; // (rows, cols), rows <= cols
    private final double[] rowPotential;
    private final double[] colPotential;
    private final double[] pathCost; // per column: cheapest known path from the row being assigned
    private final int[] pathRow; // per column: the row before it on that path
    private final int[] rowOfCol;
    private final int[] colOfRow;
    private final boolean[] rowVisited;
    private final boolean[] colVisited;
    private final int[] remaining; // columns not yet on the tree
    private double lowest; // cost of the path found last

    private LinearSumAssignment(double[] cost, int rows, int cols) {
        this.rows = rows;
        this.cols = cols;
        this.cost = cost;
        rowPotential = new double[rows];
        colPotential = new double[cols];
        pathCost = new double[cols];
        pathRow = new int[cols];
        rowOfCol = new int[cols];
        colOfRow = new int[rows];
        rowVisited = new boolean[rows];
        colVisited = new boolean[cols];
        remaining = new int[cols];
        Arrays.fill(rowOfCol, NONE);
        Arrays.fill(colOfRow, NONE);
    }

    /**
     * Solves one problem. Finite costs never fail; +infinity forbids a pair. A training loop replaces non-finite costs by a
     * large finite number before it calls, then nothing here throws.
     *
     * @param cost (rows, cols) row-major; left as it is
     * @return {rowIndices, colIndices}, both of length min(rows, cols), rows ascending
     * @throws IllegalArgumentException if a cost is NaN or -infinity, or +infinity leaves no complete assignment
     */
    public static int[][] solve(double[] cost, int rows, int cols) {
        if (rows < 0 || cols < 0 || cost.length != (long) rows * cols) {
            throw new IllegalArgumentException("cost has %d entries, not %d x %d".formatted(cost.length, rows, cols));
        }
        for (int i = 0; i < cost.length; i++) {
            if (Double.isNaN(cost[i]) || cost[i] == Double.NEGATIVE_INFINITY) {
                throw new IllegalArgumentException(
                        "cost matrix contains invalid numeric entries: %s at (%d, %d)".formatted(cost[i], i / cols, i % cols));
            }
        }
        if (cols >= rows) {
            int[] colOfRow = new LinearSumAssignment(cost, rows, cols).assign();
            int[] ascending = new int[rows];
            Arrays.setAll(ascending, i -> i);
            return new int[][] {ascending, colOfRow};
        }
        var problem = new LinearSumAssignment(transposed(cost, rows, cols), cols, rows);
        problem.assign();
        int[] rowIndices = new int[cols];
        int[] colIndices = new int[cols];
        int n = 0;
        for (int row = 0; row < rows; row++) {
            if (problem.rowOfCol[row] != NONE) {
                rowIndices[n] = row;
                colIndices[n++] = problem.rowOfCol[row];
            }
        }
        return new int[][] {rowIndices, colIndices};
    }

    private static double[] transposed(double[] cost, int rows, int cols) {
        double[] result = new double[cost.length];
        for (int i = 0; i < rows; i++) {
            for (int j = 0; j < cols; j++) {
                result[j * rows + i] = cost[i * cols + j];
            }
        }
        return result;
    }

    /** The column of every row. */
    private int[] assign() {
        for (int row = 0; row < rows; row++) {
            int sink = shortestPath(row);
            updatePotentials(row);
            augment(row, sink);
        }
        return colOfRow;
    }

    /** Dijkstra over reduced costs from a free row to the nearest free column, which is returned. */
    private int shortestPath(int freeRow) {
        Arrays.fill(rowVisited, false);
        Arrays.fill(colVisited, false);
        Arrays.fill(pathCost, Double.POSITIVE_INFINITY);
        int left = cols;
        for (int j = 0; j < cols; j++) {
            remaining[j] = cols - j - 1; // reversed: a constant matrix then gives the identity
        }
        lowest = 0;
        for (int row = freeRow; ; ) {
            rowVisited[row] = true;
            double reach = lowest;
            double nearest = Double.POSITIVE_INFINITY;
            int index = NONE;
            for (int k = 0; k < left; k++) {
                int col = remaining[k];
                double candidate = reach + cost[row * cols + col] - rowPotential[row] - colPotential[col];
                if (candidate < pathCost[col]) {
                    pathRow[col] = row;
                    pathCost[col] = candidate;
                }
                // among equally near columns a free one ends the search
                if (pathCost[col] < nearest || (pathCost[col] == nearest && rowOfCol[col] == NONE)) {
                    nearest = pathCost[col];
                    index = k;
                }
            }
            lowest = nearest;
            if (nearest == Double.POSITIVE_INFINITY) {
                throw new IllegalArgumentException("cost matrix is infeasible: infinite costs leave no complete assignment");
            }
            int col = remaining[index];
            colVisited[col] = true;
            remaining[index] = remaining[--left];
            if (rowOfCol[col] == NONE) {
                return col;
            }
            row = rowOfCol[col];
        }
    }

    private void updatePotentials(int freeRow) {
        rowPotential[freeRow] += lowest;
        for (int row = 0; row < rows; row++) {
            if (rowVisited[row] && row != freeRow) {
                rowPotential[row] += lowest - pathCost[colOfRow[row]];
            }
        }
        for (int col = 0; col < cols; col++) {
            if (colVisited[col]) {
                colPotential[col] -= lowest - pathCost[col];
            }
        }
    }

    /** Flips the pairs along the path back from {@code sink}. */
    private void augment(int freeRow, int sink) {
        for (int col = sink; ; ) {
            int row = pathRow[col];
            rowOfCol[col] = row;
            int previous = colOfRow[row];
            colOfRow[row] = col;
            if (row == freeRow) {
                return;
            }
            col = previous;
        }
    }
}
